"""A run directory whose page can be drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from .example_run import run_facts, write_journal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of the run of example_run.py."""
    return write_journal(tmp_path / "run", run_facts())
