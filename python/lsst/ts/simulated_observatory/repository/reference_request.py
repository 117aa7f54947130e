"""Which reference calibrations are needed, and the name under which they are cached."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from lsst.ts.calibrations.domain.instruments import Instrument

from ..components.optics import OpticalPath

__all__ = ["ReferenceRequest"]

SOURCES = (
    "cameras",
    "detector",
    "pipelines",
    "repository/reference_maker.py",
    "repository/shots.py",
)
"""The parts of the project that the reference calibrations depend on."""


@dataclass(frozen=True)
class ReferenceRequest:
    """Which reference calibrations are needed.

    Parameters
    ----------
    instrument
        The instrument.
    detectors
        Butler ids of the detectors.
    scale, seed
        Of the simulated detector.
    optics
        Filter and grating of the flats.
    """

    instrument: Instrument
    detectors: tuple[int, ...]
    scale: int
    seed: int
    optics: OpticalPath

    @property
    def name(self) -> str:
        """Folder name in the cache; it changes with the code of simulation and pipelines."""
        everything = len(self.detectors) == len(self.instrument.detectors)
        detectors = "all" if everything else _digest(repr(self.detectors).encode())
        optics = self.optics.physical_filter.replace("~", "-")
        return f"{self.instrument.name}-{detectors}-scale{self.scale}-seed{self.seed}-{optics}-{_version()}"


@cache
def _version() -> str:
    """Digest of the code that the reference calibrations depend on."""
    package = files("lsst.ts.simulated_observatory")
    contents = [content for source in SOURCES for content in _contents(package / source)]
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
