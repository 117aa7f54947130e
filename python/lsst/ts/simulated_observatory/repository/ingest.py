"""Brings the raw files of a simulated camera into the Butler."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["ButlerIngest"]


class ButlerIngest:
    """Ingests raw files, one at a time, with one Butler that is opened for the first.

    Parameters
    ----------
    repository
        Butler repository.
    """

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._butler: Butler | None = None

    def __call__(self, path: Path, /) -> None:
        """Ingest one file."""
        from lsst.daf.butler import Butler

        from ..pipelines.raw_ingest import ingest_raw

        if self._butler is None:
            self._butler = Butler.from_config(str(self._repository), writeable=True)
        ingest_raw(self._butler, str(path))

    def close(self) -> None:
        """Close the Butler."""
        if self._butler is not None:
            self._butler.close()
            self._butler = None
