"""Machinery of a simulated observatory without pixels: raw files without any, jobs without pipelines."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from astropy.io import fits

from lsst.ts.calibrations.domain.instruments import Instrument

from ..components.machinery import Machinery
from ..detector.exposure import ExposureRequest
from ..repository.ingest import ButlerIngest, open_anew
from .measurements import StandInCamera

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["standin_machinery"]

_BLOCK = 2880
"""Bytes of a FITS block."""

_STRUCTURE = ("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 0), ("EXTEND", True)


def standin_machinery(
    instrument: Instrument,
    repository: Path,
    camera: StandInCamera,
    *,
    scale: int,
    open_butler: Callable[[str, bool], Butler] | None = None,
) -> Machinery:
    """Machinery that writes raw files without pixels, ingests them, and stores the outcomes of jobs.

    Parameters
    ----------
    instrument, repository
        Whose images, and the Butler repository in which it is registered.
    camera, scale
        What is measured on the images, and the scale of the camera model.
    open_butler
        Opens the repository, given its path and whether to write; None: `open_anew`.

    Returns
    -------
    machinery
        Its files and jobs are made by stand-ins.
    """
    from .outcomes import Outcomes

    opening = open_butler or open_anew
    return Machinery(
        ingest=ButlerIngest(repository, opening),
        run_job=Outcomes(repository, instrument, camera, scale, opening),
        make_pixels=_no_pixels,
        write_raw=_write_header,
        repository=repository,
        open_butler=opening,
        processes=0,
    )


def _no_pixels(request: ExposureRequest, /) -> None:
    """Make no pixels of an exposure."""


def _write_header(path: str, header: Mapping[str, object], segments: str, /) -> None:
    """Write a raw file that has a primary header and no segments; a keyword that is None has no value."""
    cards = "".join([*(_card(*each) for each in _STRUCTURE), *(_card(*each) for each in header.items())])
    text = f"{cards}{'END':<80}"
    incomplete = f"{path}.part"
    with open(incomplete, "wb") as file:
        file.write(text.ljust(-(-len(text) // _BLOCK) * _BLOCK).encode("ascii"))
    os.replace(incomplete, path)


@lru_cache(maxsize=4096, typed=True)
def _card(key: str, value: object) -> str:
    """One keyword as FITS has it; most are the same in every image."""
    standard = len(key) <= 8 and " " not in key
    return str(fits.Card(key if standard else f"HIERARCH {key}", value))
