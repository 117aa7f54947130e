"""Keywords of stored calibrations, as ip_isr, afw and cp_pipe have them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from astropy.io import fits

__all__ = ["identity", "input_keywords", "metadata_table", "read_metadata", "set_keywords"]

_CARD = 80
_ASCII = range(32, 127)


def identity(detector: str, data_id: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Which detector a calibration is of, and when it was made (the keywords of ``IsrCalib``).

    Parameters
    ----------
    detector, data_id
        Full name, e.g. ``R22_S11``; data ID with instrument and detector, for flats the physical filter.
    metadata
        Serial number, sequencer and dates, if they are known.

    Returns
    -------
    keywords
        Values by keyword; empty texts for what is not known, as FITS has no other value for it.
    """
    raft, _, slot = detector.partition("_")
    filter_name = data_id.get("physical_filter", "")
    made = str(
        metadata.get("CALIB_CREATION_DATETIME") or metadata.get("DATE-END") or metadata.get("DATE-BEG") or ""
    )
    day, _, time = made.partition("T")
    known = {
        "instrument": data_id.get("instrument"),
        "raftName": raft,
        "detectorName": detector,
        "detector": data_id.get("detector"),
        "filter": filter_name,
        "calibDate": made,
    }
    return {
        "INSTRUME": data_id.get("instrument", ""),
        "RAFTNAME": raft,
        "SLOTNAME": slot,
        "DETECTOR": data_id.get("detector", ""),
        "DET_NAME": detector,
        "DET_SER": metadata.get("LSST_NUM") or "",
        "FILTER": filter_name,
        "CALIB_ID": " ".join(f"{name}={value}" for name, value in known.items() if value not in (None, "")),
        **{key: metadata.get(key) or "" for key in ("SEQFILE", "SEQNAME", "SEQCKSUM")},
        "CALIBDATE": made,
        "CALIB_CREATION_DATE": day,
        "CALIB_CREATION_TIME": time,
    }


def input_keywords(
    headers: Sequence[Mapping[str, Any]], scales: Sequence[float], kind: str
) -> dict[str, Any]:
    """Keywords of a combination: its type, its inputs one by one, and the time that they cover.

    Parameters
    ----------
    headers, scales
        Of the inputs: metadata, and what each one was divided by.
    kind
        ``bias``, ``dark`` or ``flat``.

    Returns
    -------
    keywords
        Values by keyword; a date that no input has is empty. Exposure and dark time are 1 s, those of a bias
        0, as cp_pipe has it: it is not those of an input by which a dark is to be multiplied.
    """
    keywords: dict[str, Any] = {"OBSTYPE": kind, "TIMESYS": "TAI"}
    for number, (header, scale) in enumerate(zip(headers, scales, strict=True)):
        keywords |= {
            f"CPP_INPUT_{number}": header["EXPOSURE"],
            f"CPP_INPUT_DATE_{number}": header.get("DATE-BEG"),
            f"CPP_INPUT_EXPT_{number}": header.get("EXPTIME"),
            f"CPP_INPUT_SCALE_{number}": float(scale),
        }
    begin = min((str(date) for header in headers if (date := header.get("DATE-BEG"))), default="")
    end = max((str(date) for header in headers if (date := header.get("DATE-END"))), default="")
    keywords |= {"DATE-BEG": begin, "DATE-OBS": begin, "DATE-END": end}
    try:
        first, last = datetime.fromisoformat(begin), datetime.fromisoformat(end)
        keywords["DATE-AVG"] = (first + (last - first) / 2).isoformat(timespec="milliseconds")
    except ValueError:  # no input has a date
        pass
    return keywords | dict.fromkeys(("EXPTIME", "DARKTIME"), 0.0 if kind == "bias" else 1.0)


def set_keywords(header: fits.Header, values: Mapping[str, Any]) -> None:
    """Enter values into a FITS header, as far as it can hold them: not lists, NaN, None and long texts.

    Parameters
    ----------
    header, values
        The header, and values by name; names of more than eight characters become HIERARCH keywords.
    """
    for key, value in values.items():
        if not isinstance(value, str | int | float | np.number) or (
            not isinstance(value, str) and not math.isfinite(value)
        ):
            continue
        long_name = len(key) > 8 or not key.replace("-", "").replace("_", "").isalnum()
        if isinstance(value, str) and (
            not all(ord(letter) in _ASCII for letter in value)
            or (long_name and len(key) + len(value) + len("HIERARCH  = ''") + value.count("'") > _CARD)
        ):
            continue
        header[f"HIERARCH {key}" if long_name else key] = value


def metadata_table(metadata: Mapping[str, Any]) -> fits.BinTableHDU:
    """Names and values; the values as JSON, because FITS headers hold neither lists nor long names well.

    Parameters
    ----------
    metadata
        Values that JSON can hold; None for a number that is not finite.

    Returns
    -------
    table
        Extension METADATA.
    """
    texts = [json.dumps(_finite(value)) for value in metadata.values()]
    columns = [np.array(list(metadata), dtype=str), np.array(texts, dtype=str)]
    kind = [(name, each.dtype) for name, each in zip(("KEY", "VALUE"), columns, strict=True)]
    return fits.BinTableHDU(np.rec.fromarrays(columns, dtype=kind), name="METADATA")


def read_metadata(table: fits.BinTableHDU) -> dict[str, Any]:
    """Read what `metadata_table` made.

    Parameters
    ----------
    table
        Extension METADATA.

    Returns
    -------
    metadata
        Values by name.
    """
    return {key: json.loads(value) for key, value in table.data.tolist()}


def _finite(value: Any) -> Any:
    """The value, with None for a number that is not finite (JSON has none)."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
