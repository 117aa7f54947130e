"""The command in a folder of its own, and what it leaves there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

SCRIPT = "auxtel/make_latiss_calibrations.py"


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    status: int
    text: str
    touched: set[str]
    """Files and folders that are new, gone or changed."""
    folder: Path

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "out" / "summary.json").read_text())
        return found


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with what is in it, and every folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }


@pytest.fixture
def run_script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Run the command with some arguments, where no reference calibrations can be made.

    What is refused must be refused before they are needed, for they take minutes.
    """
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cache").write_text("a file")
    monkeypatch.setenv("TS_CALIBRATIONS_SAL", "embedded")
    monkeypatch.setenv("TS_CALIBRATIONS_CACHE", str(tmp_path / "cache"))

    def run(*arguments: str, script: str | None = SCRIPT) -> Outcome:
        from lsst.ts.simulated_observatory.cli.run_script import main

        before = contents(tmp_path)
        result = CliRunner().invoke(main, [*([] if script is None else [script]), *arguments])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        after = contents(tmp_path)
        touched = {name for name in before | after if before.get(name, 0) != after.get(name, 0)}
        # Messages are wrapped to the width of the terminal.
        return Outcome(result.exit_code, " ".join(result.output.replace("│", " ").split()), touched, tmp_path)

    return run
