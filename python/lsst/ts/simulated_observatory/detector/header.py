"""Primary header of a simulated raw file, with the keywords of the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from lsst.ts.calibrations.domain.instruments import exposure_id

from ..cameras import CAMERAS
from ..cameras.camera_data import HeaderValue
from ..cameras.models import DetectorModel

__all__ = ["HeaderValue", "file_name", "primary_header"]

MJD_OF_UNIX_EPOCH = 40587.0

_NOT_KNOWN = (
    *("RA", "DEC", "RASTART", "DECSTART", "RAEND", "DECEND", "ROTPA", "ROTCOORD"),
    *("HASTART", "ELSTART", "AZSTART", "AMSTART", "TRACKSYS", "RADESYS", "FOCUSZ"),
    *("VIGNETTE", "VIGN_MIN", "AIRTEMP", "PRESSURE", "HUMIDITY", "WINDSPD", "WINDDIR", "SEEING", "TSTAND"),
)
"""Keywords of pointing, telescope, dome and weather, which the simulated observatory does not have."""

_OF_GRATING = ("GRATING", "GRATBAND", "GRATSLOT", "LINSPOS")
"""Keywords of a spectrograph."""

ALWAYS: Mapping[str, HeaderValue] = {
    "COMMENT": "Simulated image, made by lsst.ts.calibrations.",
    "BUNIT": "adu",
    "FACILITY": "Vera C. Rubin Observatory",
    "HEADVER": 2,
    "CURINDEX": 1,
    "MAXINDEX": 1,
    **dict.fromkeys(("GROUPID", "PROGRAM", "REASON", "OBSANNOT", "IMAGETAG"), ""),
    **dict.fromkeys((*_OF_GRATING, "FILTER", "FILTBAND", "FILTSLOT", "FILTPOS")),
    **dict.fromkeys(_NOT_KNOWN),
}
"""Keywords of all cameras, with the values that they have if nothing else is known."""


def file_name(image_name: str, model: DetectorModel) -> str:
    """Name of a raw file.

    Parameters
    ----------
    image_name
        E.g. ``AT_O_20250115_000007``.
    model
        The detector.

    Returns
    -------
    name
        E.g. ``AT_O_20250115_000007_R00_S00.fits``.
    """
    return f"{image_name}_{model.data.bay}_{model.data.slot}.fits"


def primary_header(
    *,
    model: DetectorModel,
    image_name: str,
    image_type: str,
    exposure_time: float,
    dark_time: float,
    begin_tai: float,
    end_tai: float,
    shutter_time: float | None = None,
    seed: int | None = None,
    keywords: Mapping[str, HeaderValue] = MappingProxyType({}),
) -> dict[str, HeaderValue]:
    """Primary header of a raw file.

    Parameters
    ----------
    model
        The detector.
    image_name
        E.g. ``AT_O_20250115_000007``.
    image_type
        ``BIAS``, ``DARK``, ``FLAT``, ...
    exposure_time, dark_time
        s.
    begin_tai, end_tai
        Begin and end of the exposure, TAI seconds since 1970; the readout is triggered at the end.
    shutter_time
        How long the shutter was open, s; None: 0 for a bias or dark, else the exposure time.
    seed
        Of the simulation.
    keywords
        What is known besides, by keyword: state of the instrument, texts given to takeImages, place of the
        image in its sequence. Keywords of a grating are left out where there is none.

    Returns
    -------
    header
        Values by keyword; None for a keyword without value.

    Raises
    ------
    ValueError
        The image name is none.
    """
    camera = CAMERAS[model.instrument]
    day, number = divmod(exposure_id(image_name), 100_000)
    if shutter_time is None:
        shutter_time = 0.0 if image_type in ("BIAS", "DARK") else exposure_time
    header = {
        **ALWAYS,
        **_detector_keywords(model),
        **_times(begin_tai, end_tai),
        "IMGTYPE": image_type,
        "OBJECT": image_type,
        "TESTTYPE": image_type,
        "OBSID": image_name,
        "FILENAME": file_name(image_name, model),
        "CONTRLLR": image_name.split("_")[1],
        "DAYOBS": f"{day}",
        "SEQNUM": number,
        "EXPTIME": exposure_time,
        "DARKTIME": dark_time,
        "SHUTTIME": shutter_time,
        **camera.keywords,
        "SIMULATE SEED": seed,
        "SIMULATE SCALE": model.scale,
        **keywords,
    }
    left_out = () if camera.gratings else _OF_GRATING
    return {keyword: value for keyword, value in header.items() if keyword not in left_out}


def _detector_keywords(model: DetectorModel) -> dict[str, HeaderValue]:
    sequencer, checksum = CAMERAS[model.instrument].sequencers[model.vendor]
    return {
        "CCD_MANU": model.vendor,
        "CCD_TYPE": model.data.sensor.device,
        **dict.fromkeys(("BINX", "BINY"), 1),
        "CCDGAIN": 1.0,
        "CCDNOISE": 10.0,
        "CCDSLOT": model.data.slot,
        "RAFTBAY": model.data.bay,
        **dict.fromkeys(("FIRMWARE", "CONTNUM", "DAQVERS", "FPVERS", "IHVERS")),
        "DAQFOLD": "raw",
        "LSST_NUM": model.data.serial,
        "REBNAME": "Unknown",
        "RAFTNAME": model.data.raft,
        "SEQFILE": sequencer,
        "SEQNAME": sequencer,
        "SEQCKSUM": checksum,
        "STUTTER ROWS": 0,
        "STUTTER DELAY": 0.0,
        "STUTTER NSHIFTS": 0,
    }


def _times(begin: float, end: float) -> dict[str, HeaderValue]:
    """Times in ISO format and as MJD, all TAI."""
    header: dict[str, HeaderValue] = {"TIMESYS": "TAI"}
    for suffix, tai in (("", end), ("-OBS", begin), ("-BEG", begin), ("-END", end), ("-TRG", end)):
        # TAI has no leap seconds: the calendar of "UTC" seconds since 1970 serves it without a correction.
        date = datetime.fromtimestamp(tai, UTC).replace(tzinfo=None)
        header[f"DATE{suffix}"] = date.isoformat(timespec="milliseconds")
        header[f"MJD{suffix}"] = tai / 86400.0 + MJD_OF_UNIX_EPOCH
    return header
