"""Raw files: made without camera and bus, and brought into the Butler."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..detector.exposure import ExposureRequest, write_raw, write_segments
from ..detector.header import HeaderValue

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["ButlerIngest", "make_raw", "open_anew"]


def make_raw(request: ExposureRequest, header: dict[str, HeaderValue], path: str) -> None:
    """Make a raw file; called in a worker process, which needs no Butler.

    Parameters
    ----------
    request, header, path
        What makes the pixels, the primary header, and where the file goes.
    """
    write_segments(request)
    write_raw(path, header, request.path)
    Path(request.path).unlink()


def open_anew(path: str, writeable: bool) -> Butler:
    """Open a repository anew.

    Parameters
    ----------
    path, writeable
        Its path, and whether to write.

    Returns
    -------
    butler
        Of its own.
    """
    from lsst.daf.butler import Butler

    return Butler.from_config(path, writeable=writeable)


class ButlerIngest:
    """Ingests raw files, one at a time, with one Butler that is opened for the first.

    Parameters
    ----------
    repository
        Butler repository.
    open_butler
        Opens it, given its path and whether to write.
    """

    def __init__(self, repository: Path, open_butler: Callable[[str, bool], Butler] = open_anew) -> None:
        self._repository = repository
        self._open_butler = open_butler
        self._butler: Butler | None = None

    def __call__(self, path: Path, /) -> None:
        """Ingest one file."""
        from ..pipelines.raw_ingest import ingest_raw

        if self._butler is None:
            self._butler = self._open_butler(str(self._repository), True)
        ingest_raw(self._butler, str(path))

    def close(self) -> None:
        """Close the Butler."""
        if self._butler is not None:
            self._butler.close()
            self._butler = None
