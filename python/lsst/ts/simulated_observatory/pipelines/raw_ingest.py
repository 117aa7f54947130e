"""Ingest of raw images: what the Butler must know of an exposure, from its FITS header."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from astropy.time import Time
from lsst.daf.butler import Butler, DatasetRef, FileDataset, Timespan

from lsst.ts.calibrations.domain.instruments import exposure_id

from .formatters import RawFormatter
from .instruments import CalibrationInstrument, instrument_of
from .raws import read_raw_header

__all__ = ["HeaderError", "IngestError", "ingest_raw"]


class IngestError(RuntimeError):
    """A raw image could not be ingested. The file is as it was, and the repository does not have it."""


class HeaderError(IngestError, ValueError):
    """The header of a raw image cannot be read, or lacks something."""


def ingest_raw(butler: Butler, path: str) -> list[DatasetRef]:
    """Make a raw image known to a repository; the file stays where it is.

    An image that the repository has already is left alone.

    Parameters
    ----------
    butler, path
        Writeable; the file.

    Returns
    -------
    refs
        The dataset of each detector in the file.

    Raises
    ------
    HeaderError
        The file cannot be read, or its header lacks something.
    IngestError
        The repository refused it, or has something else in its place.
    """
    path = os.path.abspath(path)
    try:
        header = read_raw_header(path)
        instrument = instrument_of(header)
        records, detector = _records(instrument, header)
    except KeyError as error:
        raise HeaderError(f"{path} was not ingested: its header has no {error}") from error
    except (TypeError, ValueError) as error:
        raise HeaderError(f"{path} was not ingested: {error}") from error
    run = instrument.description.raw_collection
    data_id = {"instrument": instrument.getName(), "exposure": records[-1][1]["id"], "detector": detector}
    try:
        dataset_type = butler.get_dataset_type("raw")
        with butler.registry.transaction():
            new = [butler.registry.syncDimensionData(element, record) for element, record in records]
            ref = DatasetRef(dataset_type, butler.registry.expandDataId(data_id), run=run)
        if not new[-1]:  # the exposure is known: by another detector of it, or by this very file
            butler.collections.register(run)
            known = butler.find_dataset(dataset_type, data_id, collections=run)
            if known is not None:
                return [known]
        butler.ingest(FileDataset(path=path, refs=[ref], formatter=RawFormatter), transfer="direct")
    except Exception as error:
        raise IngestError(f"{path} was not ingested: the repository refused it: {error}") from error
    return [ref]


def _records(
    instrument: type[CalibrationInstrument], header: Mapping[str, Any]
) -> tuple[list[tuple[str, dict[str, Any]]], int]:
    """All dimension records that an exposure needs, those on which others depend first; and the detector."""
    name, obs_id = instrument.getName(), header["OBSID"]
    detector, physical_filter = instrument.detector_and_filter(header)
    begin, end = (Time(header[key], format="isot", scale="tai") for key in ("DATE-BEG", "DATE-END"))
    day_obs, sequence, exposure_time = int(header["DAYOBS"]), int(header["SEQNUM"]), float(header["EXPTIME"])
    band, group = str(header.get("FILTBAND") or "unknown").lower(), str(header.get("GROUPID") or obs_id)
    exposure: dict[str, Any] = {
        "instrument": name,
        "id": exposure_id(obs_id),
        "obs_id": obs_id,
        "day_obs": day_obs,
        "group": group,
        "physical_filter": physical_filter,
        "timespan": Timespan(begin, end),
        "observation_type": str(header["IMGTYPE"]).lower(),
        "observation_reason": str(header.get("REASON") or "unknown"),
        "science_program": str(header.get("PROGRAM") or "unknown"),
        "target_name": str(header.get("OBJECT") or "unknown"),
        "exposure_time": exposure_time,
        "dark_time": float(header.get("DARKTIME") or exposure_time),
        **dict.fromkeys(("seq_num", "seq_start", "seq_end"), sequence),
        "has_simulated": any(header[key] for key in header if key.startswith("SIMULAT")),
        "can_see_sky": False,
    }
    records: list[tuple[str, dict[str, Any]]] = [
        ("physical_filter", {"instrument": name, "name": physical_filter, "band": band}),
        ("day_obs", {"instrument": name, "id": day_obs, "timespan": None}),
        ("group", {"instrument": name, "name": group}),
        ("exposure", exposure),
    ]
    return records, detector
