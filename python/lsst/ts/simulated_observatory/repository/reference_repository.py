"""The repository of reference calibrations in the cache: found, drawn, or made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .reference import ReferenceRequest
from .reference_drawing import draw_reference
from .reference_maker import ReferenceMaker
from .repository import make_once

__all__ = ["reference_repository"]


def reference_repository(
    request: ReferenceRequest,
    say: Callable[[str], None],
    check: Callable[[], None],
    tell: Callable[[float], None] = lambda _: None,
) -> Path:
    """Find the repository of reference calibrations in the cache, or make it.

    Parameters
    ----------
    request
        Which ones.
    say
        Called with what is going on, if it takes time.
    check
        Called where nothing is half done that would stay; its exceptions end the work.
    tell
        Called with the share of the work that is done, where that is known.

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
    repository = request.repository

    def make(place: Path) -> None:
        work = place.with_name("work")
        work.mkdir()
        if request.measured:
            say("Making the reference calibrations (once for this scale, seed and filter)...")
            maker = ReferenceMaker(request, work, logs=repository.parent, say=say, check=check)
            maker.make().rename(place)
        else:
            draw_reference(request, work, say, check, tell).rename(place)

    repository.parent.mkdir(parents=True, exist_ok=True)
    make_once(repository, {"reference": request.name}, make, check)
    return repository
