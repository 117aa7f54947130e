"""The certifier opens the repository to write, and says what the repository refuses."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lsst.daf.butler import Butler

from lsst.ts.calibrations.butler import certification
from lsst.ts.calibrations.butler.certification import (
    Certifier,
    PlannedCertification,
)
from lsst.ts.calibrations.butler.repository import Repository
from lsst.ts.calibrations.domain.errors import ArchiveError, CertificationError

from ...open_copy import OpenCopy
from .certified import BEGIN, END, JOB, combined, conflicts, wanted


def test_a_certifier_opens_the_repository_to_write_and_what_it_certified_is_there(
    butler: Butler, place: OpenCopy
) -> None:
    repository = Repository(str(place.path))
    certifier = Certifier(repository, "LATISS")
    planned = PlannedCertification(
        dataset_types=("ptc",), detectors=(0,), collection="LATISS/calib/daily", begin=BEGIN, end=END
    )

    async def main() -> None:
        assert await certifier.made("ptc", f"{JOB}/run") == combined(butler).datasets
        assert await certifier.conflicts(planned) == []
        assert await certifier.certify(wanted(butler)) == 1
        assert await certifier.conflicts(planned) == conflicts(butler) != []

    asyncio.run(main())
    repository.close()


def test_a_database_that_refuses_is_told_in_one_line_and_what_was_made_is_kept(
    butler: Butler, place: OpenCopy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError("the disk is full\n[SQL: INSERT INTO ...]")

    monkeypatch.setattr(certification, "_certify", refuse)
    repository = Repository(str(place.path))
    with pytest.raises(CertificationError, match="refused it: the disk is full") as caught:
        asyncio.run(Certifier(repository, "LATISS").certify(wanted(butler)))
    repository.close()
    assert "SQL" not in str(caught.value)
    assert f"The calibrations are kept in {JOB}" in str(caught.value)


def test_a_repository_that_cannot_be_written_to_is_named(butler: Butler, tmp_path: Path) -> None:
    repository = Repository(str(tmp_path / "none"))
    with pytest.raises(ArchiveError, match="none' cannot be written to"):
        asyncio.run(Certifier(repository, "LATISS").certify(wanted(butler)))
    repository.close()


def test_a_butler_can_be_opened_in_another_way(butler: Butler, place: OpenCopy) -> None:
    opened: list[tuple[str, bool]] = []

    def open_butler(path: str, writeable: bool) -> Butler:
        opened.append((path, writeable))
        return butler

    path = str(place.path)
    repository = Repository(path, open_butler)
    certifier = Certifier(repository, "LATISS")

    async def main() -> None:
        for _ in range(2):
            assert await certifier.made("ptc", f"{JOB}/run") == combined(butler).datasets
        assert await certifier.certify(wanted(butler)) == 1

    asyncio.run(main())
    repository.close()
    assert opened == [(path, False), (path, True)]
