"""``run_simulator`` where it cannot run; see tests/real_salobj for where it can."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from click.testing import CliRunner

from lsst.ts.simulated_observatory.cli.run_simulator import main


@pytest.mark.skipif(importlib.util.find_spec("lsst.ts.salobj") is not None, reason="salobj is installed here")
def test_without_salobj_there_is_no_bus_and_nothing_is_touched(tmp_path: Path) -> None:
    ended = CliRunner().invoke(main, ["LATISS", "--out", str(tmp_path / "out")])
    assert ended.exit_code == 2
    assert "lsst.ts.salobj is not installed here" in ended.output
    assert "bin/run_script simulates the observatory without it" in ended.output
    assert not (tmp_path / "out").exists()


def test_only_the_three_instruments_are_known() -> None:
    ended = CliRunner().invoke(main, ["HSC"])
    assert ended.exit_code == 2
    assert "'LATISS', 'LSSTComCam', 'LSSTCam'" in ended.output


@pytest.mark.parametrize("wrong", [["--speed", "0"], ["--detectors", "a"], ["--date", "today"]])
def test_a_wrong_option_is_refused(wrong: list[str]) -> None:
    assert CliRunner().invoke(main, ["LATISS", *wrong]).exit_code == 2
