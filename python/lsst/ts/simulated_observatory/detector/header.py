"""Primary header of a simulated raw file, with the keywords of the real ones."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

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

ALWAYS: Mapping[str, HeaderValue] = {
    "COMMENT": "Simulated image, made by lsst.ts.calibrations.",
    "BUNIT": "adu",
    "FACILITY": "Vera C. Rubin Observatory",
    "HEADVER": 2,
    **dict.fromkeys(_NOT_KNOWN),
}
"""Keywords of all cameras."""


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
    day_obs: int,
    seq_num: int,
    image_type: str,
    exposure_time: float,
    dark_time: float,
    begin_tai: float,
    end_tai: float,
    shutter_time: float | None = None,
    trigger_tai: float | None = None,
    controller: str = "O",
    filter_name: str | None = None,
    filter_band: str | None = None,
    filter_slot: int | None = None,
    filter_position: float | None = None,
    grating: str | None = None,
    grating_band: str | None = None,
    grating_slot: int | None = None,
    linear_stage: float | None = None,
    group_id: str = "",
    program: str = "",
    reason: str = "",
    test_type: str = "",
    note: str = "",
    current_index: int = 1,
    max_index: int = 1,
    image_tag: str = "",
    seed: int | None = None,
) -> dict[str, HeaderValue]:
    """Primary header of a raw file.

    Parameters
    ----------
    model
        The detector.
    image_name
        E.g. ``AT_O_20250115_000007``.
    day_obs, seq_num
        Parts of the image name.
    image_type
        ``BIAS``, ``DARK``, ``FLAT``, ...
    exposure_time, dark_time
        s.
    begin_tai, end_tai
        Begin and end of the exposure, TAI seconds since 1970.
    shutter_time
        How long the shutter was open, s; None: 0 for a bias or dark, else the exposure time.
    trigger_tai
        When the readout was triggered, TAI seconds since 1970; None: at the end.
    controller
        Who commanded the camera: ``O`` for OCS.
    filter_name, filter_band, filter_slot, filter_position
        Filter in use, and where it is in its wheel or changer.
    grating, grating_band, grating_slot, linear_stage
        State of a spectrograph; position of its linear stage in mm.
    group_id, program, reason, test_type, note, image_tag
        As given to takeImages; an empty test type is the image type.
    current_index, max_index
        Place of the image in the sequence of one takeImages command.
    seed
        Of the simulation.

    Returns
    -------
    header
        Values by keyword; None for a keyword without value.
    """
    if shutter_time is None:
        shutter_time = 0.0 if image_type in ("BIAS", "DARK") else exposure_time
    grating_keywords = {
        "GRATING": grating,
        "GRATBAND": grating_band,
        "GRATSLOT": grating_slot,
        "LINSPOS": linear_stage,
    }
    return {
        **ALWAYS,
        **_detector_keywords(model),
        **_times(begin_tai, end_tai, end_tai if trigger_tai is None else trigger_tai),
        "IMGTYPE": image_type,
        "OBJECT": image_type,
        "TESTTYPE": test_type or image_type,
        "OBSID": image_name,
        "FILENAME": file_name(image_name, model),
        "CONTRLLR": controller,
        "DAYOBS": f"{day_obs:08d}",
        "SEQNUM": seq_num,
        "CURINDEX": current_index,
        "MAXINDEX": max_index,
        "GROUPID": group_id,
        "PROGRAM": program,
        "REASON": reason,
        "OBSANNOT": note,
        "IMAGETAG": image_tag,
        **(grating_keywords if CAMERAS[model.instrument].gratings else {}),
        "FILTER": filter_name,
        "FILTBAND": filter_band,
        "FILTSLOT": filter_slot,
        "FILTPOS": filter_position,
        "EXPTIME": exposure_time,
        "DARKTIME": dark_time,
        "SHUTTIME": shutter_time,
        **CAMERAS[model.instrument].keywords,
        "SIMULATE SEED": seed,
        "SIMULATE SCALE": model.scale,
    }


def _detector_keywords(model: DetectorModel) -> dict[str, HeaderValue]:
    sequencer, checksum = CAMERAS[model.instrument].sequencers[model.vendor]
    return {
        "CCD_MANU": model.vendor,
        "CCD_TYPE": model.data.sensor.device,
        "BINX": 1,
        "BINY": 1,
        "CCDGAIN": 1.0,
        "CCDNOISE": 10.0,
        "CCDSLOT": model.data.slot,
        "RAFTBAY": model.data.bay,
        "FIRMWARE": None,
        "CONTNUM": None,
        "DAQVERS": None,
        "DAQFOLD": "raw",
        "LSST_NUM": model.data.serial,
        "REBNAME": "Unknown",
        "RAFTNAME": model.data.raft,
        "SEQFILE": sequencer,
        "SEQNAME": sequencer,
        "SEQCKSUM": checksum,
        "FPVERS": None,
        "IHVERS": None,
        "STUTTER ROWS": 0,
        "STUTTER DELAY": 0.0,
        "STUTTER NSHIFTS": 0,
    }


def _times(begin: float, end: float, trigger: float) -> dict[str, HeaderValue]:
    """Times in ISO format and as MJD, all TAI."""
    header: dict[str, HeaderValue] = {"TIMESYS": "TAI"}
    for date, mjd, tai in (
        ("DATE", "MJD", end),
        ("DATE-OBS", "MJD-OBS", begin),
        ("DATE-BEG", "MJD-BEG", begin),
        ("DATE-END", "MJD-END", end),
        ("DATE-TRG", "MJD-TRG", trigger),
    ):
        # TAI has no leap seconds: the calendar of "UTC" seconds since 1970 serves it without a correction.
        header[date] = (
            datetime.fromtimestamp(tai, UTC).replace(tzinfo=None).isoformat(timespec="milliseconds")
        )
        header[mjd] = tai / 86400.0 + MJD_OF_UNIX_EPOCH
    return header
