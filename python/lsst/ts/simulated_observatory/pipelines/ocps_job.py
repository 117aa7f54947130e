"""A job of the simulated OCPS: what was asked for, read as the OCPS reads it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .calibration_types import CALIBRATION_TYPES, GAIN

__all__ = ["Job"]

_SELECTION = r"\b{dimension}\s+IN\s*\(([^)]*)\)|\b{dimension}\s*=\s*(\d+)"
_INPUTS = re.compile(r"(?:^|\s)-i\s+(\S+)")
_FILE = re.compile(r"(?:CP|VERIFY|FIND|MEASURE)(\w+)\.YAML")
_OTHER_NAMES = {other: each.name for each in CALIBRATION_TYPES.values() for other in each.other_names}


@dataclass(frozen=True)
class Job:
    """A job.

    Parameters
    ----------
    job_id
        32 hexadecimal digits.
    pipeline, config, data_query
        Address of the pipeline, with a subset after ``#`` perhaps; options of pipetask; selection of images.
    folder
        Of its output.
    """

    job_id: str
    pipeline: str
    config: str
    data_query: str
    folder: Path

    @property
    def log(self) -> Path:
        """Its log file."""
        return self.folder / "outs" / "ocps.log"

    @property
    def collection(self) -> str:
        """Chained collection of its outputs and inputs; the outputs are in ``<collection>/run``."""
        return f"u/ocps/{self.job_id}"

    @property
    def kind(self) -> str:
        """``generate``, ``verify`` or ``gain``, as follows from the name of the pipeline."""
        if self._file.startswith("VERIFY"):
            return "verify"
        return "gain" if GAIN in self._subset else "generate"

    @property
    def calibration(self) -> str:
        """What the name of the file says, e.g. ``BIAS`` or ``PTC``, or ``GAIN``; empty if it says nothing."""
        if GAIN in self._file + self._subset:
            return GAIN
        match = _FILE.fullmatch(self._file)
        return _OTHER_NAMES.get(match[1], match[1]) if match else ""

    @property
    def inputs(self) -> list[str]:
        """Input collections, in the order in which they are searched."""
        return [name for found in _INPUTS.findall(self.config) for name in found.split(",")]

    def selected(self, dimension: str) -> list[int]:
        """Ids that the data query selects.

        Parameters
        ----------
        dimension
            ``exposure`` or ``detector``.

        Returns
        -------
        ids
            Empty if the query does not select by this dimension.
        """
        match = re.search(_SELECTION.format(dimension=dimension), self.data_query, re.IGNORECASE)
        if match is None:
            return []
        listed, single = match.groups()
        return [int(value) for value in (single or listed).split(",") if value.strip().isdecimal()]

    @property
    def _file(self) -> str:
        return self.pipeline.rpartition("/")[2].partition("#")[0].upper()

    @property
    def _subset(self) -> str:
        return self.pipeline.partition("#")[2].upper()
