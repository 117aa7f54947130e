"""Reference calibrations, ``LATISS/calib`` of the simulated observatory: made when needed, then cached."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from .reference_request import ReferenceRequest
from .repository import is_complete, make_once

__all__ = ["ReferenceRequest", "cache_folder", "is_cached", "reference_repository"]


def cache_folder() -> Path:
    """Where reference calibrations are kept: ``TS_CALIBRATIONS_CACHE``, or a folder in the user's cache."""
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get("TS_CALIBRATIONS_CACHE") or Path(caches) / "ts_calibrations")


def is_cached(request: ReferenceRequest) -> bool:
    """Whether reference calibrations were made before.

    Parameters
    ----------
    request
        Which ones.

    Returns
    -------
    cached
        True if nothing has to be made for them.
    """
    return is_complete(_place(request))


def reference_repository(
    request: ReferenceRequest, say: Callable[[str], None], check: Callable[[], None] = lambda: None
) -> Path:
    """Find the repository of reference calibrations in the cache, or make it.

    Parameters
    ----------
    request
        Which ones.
    say
        Called with what is going on, if it takes time.
    check
        Called where nothing is half done that would stay, in all that takes time; its exceptions end the
        work.

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
    repository = _place(request)

    def make(place: Path) -> None:
        from .reference_maker import ReferenceMaker

        say("Making the reference calibrations (once for this scale, seed and filter)...")
        work = place.with_name("work")
        work.mkdir()
        ReferenceMaker(request, work, logs=repository.parent, say=say, check=check).make().rename(place)

    repository.parent.mkdir(parents=True, exist_ok=True)
    make_once(repository, {"reference": request.name}, make, check)
    return repository


def _place(request: ReferenceRequest) -> Path:
    """Their repository in the cache."""
    return cache_folder() / request.name / "repo"
