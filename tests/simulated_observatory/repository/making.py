"""Small repositories with their registry in a database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository
from lsst.ts.simulated_observatory.repository.database import Database

SCALE = {"scale": 16}


def nothing() -> None:
    """Nobody interrupts."""


def make(database: Database, path: Path, properties: Mapping[str, object] = SCALE) -> bool:
    def fill(folder: Path) -> None:
        create_repository(str(folder), ["LATISS"], database.registry)

    return database.make(path, properties, fill, nothing)
