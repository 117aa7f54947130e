"""How texts reach processes and queries: as arguments of their own, as numbers, and never by a shell."""

from __future__ import annotations

import ast
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lsst.pex.config import Config, Field
from lsst.pipe.base.configOverrides import ConfigOverrides

import lsst.ts.calibrations
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.domain.jobs import data_query
from lsst.ts.simulated_observatory.pipelines import PIPELINES
from lsst.ts.simulated_observatory.pipelines.ocps_job import Job
from lsst.ts.simulated_observatory.pipelines.pipetask import PipetaskProcess, PipetaskRunner

SOURCES = sorted(Path(lsst.ts.calibrations.__path__[0]).rglob("*.py"))

FORBIDDEN = {
    "eval", "exec", "os.system", "os.popen", "os.execvp", "os.spawnvp", "pickle.load", "pickle.loads",
    "yaml.unsafe_load", "yaml.full_load", "subprocess.getoutput", "subprocess.getstatusoutput",
    "asyncio.create_subprocess_shell", "marshal.loads", "shelve.open",
}  # fmt: skip
"""What would execute, or make an object of, a text."""


def test_no_text_is_executed_and_no_shell_is_used() -> None:
    """Calls of yaml.load are looked at by ruff, which wants a safe loader."""
    found = []
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func) if isinstance(node.func, ast.Name | ast.Attribute) else ""
                if name in FORBIDDEN or any(each.arg == "shell" for each in node.keywords):
                    found.append(f"{path.name}, line {node.lineno}: {name}")
    assert found == []


HOSTILE = "a;touch canary $(touch canary) `touch canary` |touch canary >canary '\" *"


def test_a_job_is_one_list_of_arguments(tmp_path: Path) -> None:
    """Whatever comes over SAL is split at its blanks, as the real OCPS does, and expanded nowhere."""
    runner = PipetaskRunner(tmp_path / "repo", "LATISS/raw/all")
    job = Job("1", pipeline=HOSTILE, config=f"-c {HOSTILE}", data_query=HOSTILE, folder=tmp_path / "job")
    command = runner(job).command
    assert command[-2:] == ("-d", HOSTILE)
    assert command[command.index("-b") + 1] == str(tmp_path / "repo")
    assert [each for each in HOSTILE.split() if each not in command] == []


def test_arguments_reach_the_process_as_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    texts = (HOSTILE, "a\nb", "--help", "~", "$HOME", "\x1b[2J", "caf\u00e9")
    process = PipetaskProcess(
        ["/usr/bin/printf", "<%s>", *texts], tmp_path / "outs" / "ocps.log", [], dict(os.environ)
    )
    assert process.run() == 0
    assert "".join(f"<{each}>" for each in texts) in process._log.read_text(encoding="utf-8")
    assert [path.name for path in tmp_path.rglob("*") if "canary" in path.name] == []


def test_the_environment_file_of_the_simulator_can_be_sourced(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from lsst.ts.simulated_observatory.session.service import _write_environment

    folder = tmp_path / "a $(touch canary) 'b' \"c\";touch canary"
    folder.mkdir()
    place: Any = SimpleNamespace(
        index=folder / "index.yaml",
        settings=SimpleNamespace(folder=folder, jobs=folder / "uws", pipelines=PIPELINES),
    )
    _write_environment(place)
    script = '. "$0"; printf %s "$TS_CALIBRATIONS_UWS"'
    outcome = subprocess.run(
        ["/bin/sh", "-c", script, folder / "environment.sh"], capture_output=True, cwd=tmp_path, check=True
    )
    assert outcome.stdout.decode() == str(folder / "uws")
    assert [path.name for path in tmp_path.rglob("*") if path.name == "canary"] == []


@pytest.mark.parametrize("text", ["1) OR (1=1", "1; DROP TABLE exposure", "'", "*", "1 OR 1", ""])
def test_only_numbers_reach_a_query(text: str) -> None:
    strange: Any = [text]
    with pytest.raises(ValueError, match="invalid literal"):
        data_query(LATISS, [0], strange)
    with pytest.raises(ValueError, match="invalid literal"):
        data_query(LATISS, strange, [1])


class _Configuration(Config):
    text = Field[str](doc="A text.", default="")  # type: ignore[no-untyped-call]


@pytest.mark.parametrize(
    "value",
    [
        "__import__('os').system('touch canary')",
        "open('canary', 'w')",
        "[].__class__",
        "$(touch canary)",
        "'a' * 9**9",
    ],
)
def test_a_value_of_config_options_is_a_literal(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pipetask takes what is no literal for a text."""
    monkeypatch.chdir(tmp_path)
    overrides, config = ConfigOverrides(), _Configuration()  # type: ignore[no-untyped-call]
    overrides.addValueOverride("text", value)  # type: ignore[no-untyped-call]
    overrides.applyTo(config)  # type: ignore[no-untyped-call]
    assert config.text == value
    assert list(tmp_path.iterdir()) == []
