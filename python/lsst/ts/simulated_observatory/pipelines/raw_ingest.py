"""Ingest of raw images: what the Butler must know of an exposure, from its FITS header."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from astropy.time import Time
from lsst.daf.butler import Butler, DatasetRef, DatasetType, FileDataset, Timespan

from lsst.ts.calibrations.domain.instruments import exposure_id

from .formatters import RawFormatter
from .instruments import CalibrationInstrument, instrument_of
from .raws import read_raw_header
from .storage_classes import RAW

__all__ = ["IngestError", "exposure_record", "ingest_raw", "raw_dataset_type"]


class IngestError(RuntimeError):
    """A raw image could not be ingested. The file is as it was, and the repository does not have it."""


def ingest_raw(butler: Butler, path: str) -> list[DatasetRef]:
    """Make a raw image known to a repository; the file stays where it is.

    An image that the repository has already is left alone.

    Parameters
    ----------
    butler
        Writeable.
    path
        The file.

    Returns
    -------
    refs
        The dataset of each detector in the file.

    Raises
    ------
    IngestError
        The file cannot be read, its header lacks something, or it contradicts what the repository has.
    """
    path = os.path.abspath(path)
    try:
        header = read_raw_header(path)
        instrument = instrument_of(header)
        data_id = {
            "instrument": instrument.getName(),
            "exposure": exposure_id(header["OBSID"]),
            "detector": instrument.detector(header),
        }
        records = _records(instrument, header)
    except (KeyError, TypeError, ValueError) as error:
        raise IngestError(f"{path} was not ingested: {_reason(error)}") from error
    run = instrument.description.raw_collection
    dataset_type = raw_dataset_type(butler)
    try:
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


def raw_dataset_type(butler: Butler) -> DatasetType:
    """Dataset type of raw images.

    Parameters
    ----------
    butler
        Of the repository.

    Returns
    -------
    dataset_type
        With storage class and dimensions.
    """
    return DatasetType("raw", ("instrument", "exposure", "detector"), RAW, universe=butler.dimensions)


def exposure_record(instrument: type[CalibrationInstrument], header: Mapping[str, Any]) -> dict[str, Any]:
    """Record of an exposure, as the Butler's dimension ``exposure`` has it.

    Parameters
    ----------
    instrument
        The instrument.
    header
        Primary header of a raw image.

    Returns
    -------
    record
        Its fields by name.

    Raises
    ------
    KeyError, ValueError
        The header lacks something, or has something that cannot be.
    """
    begin, end = (Time(header[key], format="isot", scale="tai") for key in ("DATE-BEG", "DATE-END"))
    sequence = int(header["SEQNUM"])
    exposure_time = float(header["EXPTIME"])
    return {
        "instrument": instrument.getName(),
        "id": exposure_id(header["OBSID"]),
        "obs_id": header["OBSID"],
        "day_obs": int(header["DAYOBS"]),
        "group": _group(header),
        "physical_filter": instrument.physical_filter(header),
        "timespan": Timespan(begin, end),
        "observation_type": str(header["IMGTYPE"]).lower(),
        "observation_reason": str(header.get("REASON") or "unknown"),
        "science_program": str(header.get("PROGRAM") or "unknown"),
        "target_name": str(header.get("OBJECT") or "unknown"),
        "exposure_time": exposure_time,
        "dark_time": float(header.get("DARKTIME") or exposure_time),
        "seq_num": sequence,
        "seq_start": sequence,
        "seq_end": sequence,
        "has_simulated": any(header[key] for key in header if key.startswith("SIMULAT")),
        "can_see_sky": False,
    }


def _records(
    instrument: type[CalibrationInstrument], header: Mapping[str, Any]
) -> list[tuple[str, dict[str, Any]]]:
    """All dimension records that an exposure needs, in the order in which they depend on each other."""
    name = instrument.getName()
    exposure = exposure_record(instrument, header)
    band = str(header.get("FILTBAND") or "unknown").lower()
    return [
        ("physical_filter", {"instrument": name, "name": exposure["physical_filter"], "band": band}),
        ("day_obs", {"instrument": name, "id": exposure["day_obs"], "timespan": None}),
        ("group", {"instrument": name, "name": exposure["group"]}),
        ("exposure", exposure),
    ]


def _group(header: Mapping[str, Any]) -> str:
    """Group of exposures that belong together; an exposure without one is a group of its own."""
    return str(header.get("GROUPID") or header["OBSID"])


def _reason(error: Exception) -> str:
    """What an error says; a KeyError says only the key."""
    return f"its header has no {error}" if isinstance(error, KeyError) else str(error)
