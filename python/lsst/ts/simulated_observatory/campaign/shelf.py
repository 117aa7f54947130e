"""What a repository holds, read from its database and files without the Butler."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Certificate", "Shelf", "certified_in", "nanoseconds", "raws_in"]


@dataclass(frozen=True)
class Certificate:
    """A dataset with a validity range.

    Parameters
    ----------
    dataset_type, detector
        Which.
    run
        RUN collection that it is in.
    begin, end
        Validity range, nanoseconds TAI.
    collection
        CALIBRATION collection in which it is valid.
    """

    dataset_type: str
    detector: int
    run: str
    begin: int
    end: int
    collection: str


class Shelf:
    """A repository.

    Parameters
    ----------
    repository
        Folder.
    """

    def __init__(self, repository: Path) -> None:
        self._repository = repository
        self._database = sqlite3.connect(repository / "gen3.sqlite3")

    def close(self) -> None:
        """Close the database."""
        self._database.close()

    @cached_property
    def _types(self) -> dict[str, tuple[int, str, str | None]]:
        rows = self._database.execute(
            "SELECT name, id, tag_association_table, calibration_association_table FROM dataset_type"
        )
        return {name: (number, tags, calibrations) for name, number, tags, calibrations in rows}

    def raws(self) -> set[tuple[int, int]]:
        """Exposure and detector of every raw image."""
        found = self._found("raw", None)
        return {(exposure or 0, detector or 0) for exposure, detector, _ in found}

    def statistics(self, name: str, run: str) -> dict[tuple[int | None, int | None], Any]:
        """Results of a type in a RUN collection, by exposure and detector."""
        return {
            (exposure, detector): self._read(dataset)
            for exposure, detector, dataset in self._found(name, run)
        }

    def there(self, name: str, run: str) -> set[tuple[int | None, int | None]]:
        """Exposure and detector of every dataset of a type in a RUN collection."""
        return {(exposure, detector) for exposure, detector, _ in self._found(name, run)}

    def certificates(self, collection: str | None = None) -> list[Certificate]:
        """All that is certified in a collection, or in any."""
        found = []
        for name, (number, _, table) in self._types.items():
            if table is None:
                continue
            rows = self._database.execute(
                f"SELECT c.detector, r.name, c.timespan_begin, c.timespan_end, k.name FROM {table} c"  # noqa: S608
                " JOIN dataset d ON d.id = c.dataset_id JOIN collection r ON r.collection_id = d.run_id"
                " JOIN collection k ON k.collection_id = c.collection_id"
                " WHERE c.dataset_type_id = ? AND (? IS NULL OR k.name = ?)",
                (number, collection, collection),
            )
            found += [Certificate(name, *row) for row in rows]
        return found

    def _found(self, name: str, run: str | None) -> list[tuple[int | None, int | None, str]]:
        """Exposure, detector and id of datasets; None for a dimension that the type has not."""
        if name not in self._types:
            return []
        number, table, _ = self._types[name]
        columns = {row[1] for row in self._database.execute(f"PRAGMA table_info({table})")}
        exposure, detector = (
            f"t.{column}" if column in columns else "NULL" for column in ("exposure", "detector")
        )
        rows = self._database.execute(
            f"SELECT {exposure}, {detector}, t.dataset_id FROM {table} t"  # noqa: S608
            " JOIN collection k ON k.collection_id = t.collection_id"
            " WHERE t.dataset_type_id = ? AND (? IS NULL OR k.name = ?)",
            (number, run, run),
        )
        return [(each[0], each[1], str(each[2])) for each in rows]

    def _read(self, dataset: str) -> Any:
        (path,) = self._database.execute(
            "SELECT path FROM file_datastore_records WHERE dataset_id = ?", (dataset,)
        ).fetchone()
        text = (self._repository / path).read_text(encoding="utf-8")
        values: Mapping[str, Any] = json.loads(text) if path.endswith(".json") else yaml.safe_load(text)
        return values


@cache
def certified_in(template: Path) -> frozenset[Certificate]:
    """Read what is certified in a repository that never changes."""
    with closing(Shelf(template)) as shelf:
        return frozenset(shelf.certificates())


def raws_in(repository: Path) -> frozenset[tuple[int, int]]:
    """Read exposure and detector of every raw image that is in a repository now."""
    with closing(Shelf(repository)) as shelf:
        return frozenset(shelf.raws())


def nanoseconds(date: str) -> int:
    """Date as the database has it: nanoseconds TAI since 1970."""
    return (datetime.fromisoformat(date) - datetime(1970, 1, 1)) // timedelta(microseconds=1) * 1000
