"""Amplifiers that calibrations declare bad: without a gain in the ptc, or wholly masked in the defects."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from ..domain.instruments import Instrument
from ..verification import KnownBad
from .repository import Repository

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef, Timespan

__all__ = ["DECLARED_BY", "DeclaredBad", "declared_bad"]

_ROWS, _COLUMNS = 2, 8  # amplifiers of a CCD of the Rubin cameras; C10 to C17 are the upper row

_Box = tuple[int, int, int, int]  # first column and row, width, height


def declared_bad(
    dataset_type: str, calibration: Any, amplifiers: Sequence[str], size: tuple[int, int]
) -> list[str]:
    """Find the amplifiers that a calibration of a detector declares bad.

    Parameters
    ----------
    dataset_type, calibration
        A name of `DECLARED_BY`, and the dataset, of cp_pipe or of this project.
    amplifiers, size
        Names of the amplifiers, row by row from below, and columns and rows of the detector (a calibration
        that says its own is of a detector of reduced size).

    Returns
    -------
    names
        Of those that it declares bad.
    """
    if dataset_type == "ptc":
        gains = calibration.gain
        return [name for name in amplifiers if name in gains and not math.isfinite(gains[name])]
    rows, columns = getattr(calibration, "shape", size[::-1])
    return _masked(_boxes(calibration), amplifiers, (int(rows) // _ROWS, int(columns) // _COLUMNS))


def _masked(boxes: Sequence[_Box], amplifiers: Sequence[str], shape: tuple[int, int]) -> list[str]:
    """Amplifiers, of so many rows and columns, all of whose pixels are in defects."""
    height, width = shape
    if sum(box[2] * box[3] for box in boxes) < width * height:
        return []
    import numpy as np

    mask = np.zeros((_ROWS * height, _COLUMNS * width), dtype=bool)
    for x0, y0, dx, dy in boxes:
        mask[y0 : y0 + dy, x0 : x0 + dx] = True
    whole = mask.reshape(_ROWS, height, _COLUMNS, width).all(axis=(1, 3)).ravel()
    return [name for name, masked in zip(amplifiers, whole, strict=True) if masked]


def _boxes(defects: Any) -> list[_Box]:
    """The boxes of our own table, or of ip_isr's ``Defects``."""
    if hasattr(defects, "boxes"):
        return [(int(x0), int(y0), int(dx), int(dy)) for x0, y0, dx, dy in defects.boxes]
    found = [each.getBBox() for each in defects]
    return [(box.getBeginX(), box.getBeginY(), box.getWidth(), box.getHeight()) for box in found]


def _in_use(
    butler: Butler,
    dataset_type: str,
    data_id: Mapping[str, Any],
    timespan: Timespan,
    collections: Sequence[str],
    own: Collection[str],
) -> DatasetRef | None:
    """The first calibration that is valid and not in one of the own collections; None if there is none."""

    def find(where: Sequence[str] | str) -> DatasetRef | None:
        return butler.find_dataset(dataset_type, data_id, collections=where, timespan=timespan)

    first = find(collections)
    if first is None or first.run not in own:
        return first
    each_alone = map(find, butler.collections.query(collections, flatten_chains=True))
    return next((ref for ref in each_alone if ref is not None and ref.run not in own), None)


DECLARED_BY: Mapping[str, str] = {
    "ptc": "no gain in the ptc in use",
    "defects": "all masked in the defects in use",
}
"""What a calibration of a type says of such an amplifier, in words."""


@dataclass(frozen=True)
class DeclaredBad:
    """Looks in a repository for amplifiers that calibrations declare bad; each of these is read once."""

    repository: Repository
    """What is read."""
    instrument: Instrument
    """Whose calibrations."""
    _known: dict[str, list[str]] = field(default_factory=dict)  # by id of the dataset, which never changes

    async def find(
        self, collections: Sequence[str], exposure: int, detectors: Sequence[int], own: Collection[str]
    ) -> list[KnownBad]:
        """Find these amplifiers.

        Parameters
        ----------
        collections, exposure
            Where the calibrations are searched, in this order, and an exposure at whose time they are valid.
        detectors, own
            Butler ids, and RUN collections whose calibrations do not count: those of the run itself. What
            would be found without them counts.

        Returns
        -------
        known_bad
            With what declares them so. A calibration that is not there, or cannot be read, declares nothing.

        Raises
        ------
        ArchiveError
            The repository cannot be read.
        """
        return await self.repository.call(lambda: self._find(collections, exposure, detectors, own))

    def _find(
        self, collections: Sequence[str], exposure: int, detectors: Sequence[int], own: Collection[str]
    ) -> list[KnownBad]:
        butler, instrument, found = self.repository.open(), self.instrument, list[KnownBad]()
        butler.registry.refresh()
        records = butler.query_dimension_records(
            "exposure", instrument=instrument.name, exposure=exposure, explain=False
        )
        for name, detector in product(DECLARED_BY, detectors if records else ()):
            with suppress(Exception):
                where = {"instrument": instrument.name, "detector": detector}
                ref = _in_use(butler, name, where, records[0].timespan, collections, own)
                if ref is None:
                    continue
                if (key := str(ref.id)) not in self._known:
                    size = instrument.detector_size(detector)
                    self._known[key] = declared_bad(
                        name, self.repository.read(ref), instrument.amplifiers, size
                    )
                bad = self._known[key]
                found += [KnownBad(instrument.detectors[detector], each, DECLARED_BY[name]) for each in bad]
        return found
