"""Reference calibrations, ``LATISS/calib`` of the simulated observatory: made when needed, then cached."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from lsst.ts.calibrations.domain.instruments import Instrument

from ..components.optics import OpticalPath
from .locks import wait_for_lock

__all__ = ["ReferenceRequest", "cache_folder", "is_cached", "reference_repository"]

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
        Whose.
    detectors
        Butler ids.
    scale, seed
        Of the simulated detector.
    optics
        Through what the flats are taken.
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


def cache_folder() -> Path:
    """Where reference calibrations are kept: ``TS_CALIBRATIONS_CACHE``, or a folder in the user's cache."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TS_CALIBRATIONS_CACHE") or Path(caches) / "ts_calibrations")


def is_cached(request: ReferenceRequest) -> bool:
    """Whether the reference calibrations were made before."""
    return (cache_folder() / request.name / "repo").is_dir()


def reference_repository(
    request: ReferenceRequest, say: Callable[[str], None], check: Callable[[], None] = lambda: None
) -> Path:
    """Find the repository of reference calibrations in the cache, or make it.

    Parameters
    ----------
    request
        Which.
    say
        Told what is going on, if it takes time.
    check
        Called where nothing is half done that would stay, in all that takes time; its exceptions end the work.

    Returns
    -------
    repository
        To be copied, never to be written to.

    Raises
    ------
    ReferenceFailed
        A pipeline failed; the message names its log.
    OSError
        The cache cannot be written.
    """
    folder = cache_folder() / request.name
    repository = folder / "repo"
    if repository.is_dir():
        return repository
    folder.mkdir(parents=True, exist_ok=True)
    with _only_one(folder / "lock", check):
        if not repository.is_dir():  # another process may have made it meanwhile
            from .reference_maker import ReferenceMaker

            _clear(folder)
            say("Making the reference calibrations (once for this scale, seed and filter)...")
            with tempfile.TemporaryDirectory(prefix="making-", dir=folder) as work:
                maker = ReferenceMaker(request, Path(work), logs=folder, say=say, check=check)
                maker.make().replace(repository)
    return repository


def _clear(folder: Path) -> None:
    """Remove what a maker that was killed has left; nobody else is at work in a locked folder."""
    for left in folder.glob("making-*"):
        shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _only_one(lock: Path, check: Callable[[], None]) -> Iterator[None]:
    """Hold a lock file, so that two runs do not make the same reference at the same time."""
    with lock.open("w") as file:
        wait_for_lock(file.fileno(), check)
        yield


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
