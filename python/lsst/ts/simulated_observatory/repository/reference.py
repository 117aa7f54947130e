"""Which reference calibrations are needed, ``LATISS/calib`` of the simulated observatory, and their cache."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from lsst.ts.calibrations.domain.instruments import Instrument

from ..cameras.models import DetectorModel, detector_model
from ..components.optics import OpticalPath
from .repository import is_complete

__all__ = ["ReferenceRequest", "cache_folder"]

SOURCES = ("cameras", "detector", "pipelines", "repository/ingest.py", "repository/reference_exposures.py")
"""The parts of the project that the reference calibrations depend on, beside what makes them."""

MAKERS = {
    False: ("repository/reference_drawing.py", "repository/drawn_detector.py"),
    True: ("repository/reference_maker.py",),
}
"""What draws them, and what makes them with the pipelines."""


def cache_folder() -> Path:
    """Where reference calibrations are kept: ``TS_CALIBRATIONS_CACHE``, or a folder in the user's cache."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TS_CALIBRATIONS_CACHE") or Path(caches) / "ts_calibrations")


@dataclass(frozen=True)
class ReferenceRequest:
    """Which reference calibrations are needed.

    Parameters
    ----------
    instrument, detectors
        Instrument, and Butler ids of its detectors.
    scale, seed
        Of the simulated detectors.
    optics
        Filter and grating of the flats.
    measured
        Whether the pipelines make them, from files of exposures; else they are drawn.
    """

    instrument: Instrument
    detectors: tuple[int, ...]
    scale: int
    seed: int
    optics: OpticalPath
    measured: bool = False

    @property
    def models(self) -> list[DetectorModel]:
        """Camera models of the detectors."""
        return [detector_model(self.instrument.name, number, self.scale) for number in self.detectors]

    @property
    def name(self) -> str:
        """Folder name in the cache; it changes with the code of simulation and pipelines."""
        everything = len(self.detectors) == len(self.instrument.detectors)
        return self._name_of("all" if everything else _digest(repr(self.detectors).encode()))

    def _name_of(self, what: str) -> str:
        optics = self.optics.physical_filter.replace("~", "-")
        name = f"{self.instrument.name}-{what}-scale{self.scale}-seed{self.seed}-{optics}"
        return f"{name}-{'measured' if self.measured else 'drawn'}-{self.version}"

    @property
    def version(self) -> str:
        """Digest of the code that they depend on."""
        return _version(self.measured)

    def part(self, detector: int, exposures: int) -> Path:
        """Decide where what is drawn of a detector is kept, for other sets of detectors, too.

        Parameters
        ----------
        detector, exposures
            Its id, and of how many exposures it is drawn, which depends on how many detectors there are.

        Returns
        -------
        path
            In the cache.
        """
        return cache_folder() / self._name_of(f"parts-of-{exposures}") / f"{detector}.pickle"

    @property
    def repository(self) -> Path:
        """Their repository in the cache, there or not."""
        return cache_folder() / self.name / "repo"

    @property
    def is_cached(self) -> bool:
        """Whether they were made before."""
        return is_complete(self.repository)


@cache
def _version(measured: bool) -> str:
    """Digest of the code that the reference calibrations depend on."""
    package = files("lsst.ts.simulated_observatory")
    contents = [
        content for source in (*SOURCES, *MAKERS[measured]) for content in _contents(package / source)
    ]
    return _digest(b"\0".join(contents))


def _contents(source: Traversable) -> Iterator[bytes]:
    if source.is_file():
        yield source.read_bytes()
        return
    for path in sorted(source.iterdir(), key=lambda each: each.name):
        if path.name.endswith((".py", ".yaml")) or (path.is_dir() and path.name != "__pycache__"):
            yield from _contents(path)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
