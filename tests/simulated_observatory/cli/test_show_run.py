"""The command that shows a run, and what changed between two."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lsst.ts.simulated_observatory.cli.comparison import changes, failure_changes
from lsst.ts.simulated_observatory.cli.show_run import main


def noise(exposure: int, amplifier: str, value: float | None, *, passed: bool = True) -> dict[str, Any]:
    return {
        "calibration": "BIAS", "exposure": exposure, "detector": "RXX_S00", "amplifier": amplifier,
        "test": "NOISE", "value": value, "reference": 10.9, "limit": [10.355, 11.445], "unit": "electron",
        "passed": passed, "counted": True,
    }  # fmt: skip


def summary(tests: list[dict[str, Any]], gains: tuple[float, ...] = ()) -> dict[str, Any]:
    return {
        "state": "DONE", "reason": "", "config": {}, "exposures": [], "verification": {}, "certified": [],
        "not_done": [], "tests": tests, "simulated": False, "jobs": [], "repo": None,
        "gains": [
            {"exposures": [n, n + 1], "detector": 0, "amplifier": "C00", "gain": each,
             "gain_corrected": each, "noise": None}
            for n, each in enumerate(gains)
        ],
    }  # fmt: skip


BEFORE = summary([noise(n, name, 10.9 + 0.01 * n) for n in range(5) for name in ("C04", "C05")], (1.1, 1.11))
AFTER = summary(
    [noise(n, name, (13.27 if name == "C05" else 10.9) + 0.01 * n, passed=name != "C05")
     for n in range(5) for name in ("C04", "C05")],
    (1.1, 1.12),
)  # fmt: skip


def written(folder: Path, values: dict[str, Any], when: float = 0.0) -> Path:
    folder.mkdir(parents=True)
    (folder / "summary.json").write_text(json.dumps(values))
    os.utime(folder / "summary.json", (when, when))
    return folder


def test_the_significant_change_comes_first_with_its_sigma() -> None:
    first, *others = changes(BEFORE, AFTER)
    assert (first.quantity, first.place) == ("BIAS NOISE", "RXX_S00 C05")
    assert first.sigma == pytest.approx(2.37 / (0.0158114 * (2 / 5) ** 0.5), rel=1e-4)
    assert all(abs(each.sigma or 0.0) < 3 for each in others)
    assert list(failure_changes(BEFORE, AFTER)) == ["BIAS NOISE of RXX_S00 C05: 0 failures before, 5 after"]


def test_what_was_measured_once_has_no_sigma_and_comes_last() -> None:
    found = changes(
        summary([noise(1, "C00", 1.0), *BEFORE["tests"]]), summary([noise(1, "C00", 9.0), *AFTER["tests"]])
    )
    assert (found[-1].place, found[-1].sigma) == ("RXX_S00 C00", None)
    assert changes(summary([noise(1, "C00", None)]), summary([noise(1, "C00", 1.0)])) == []
    (equal,) = changes(summary([], (1.1, 1.1)), summary([], (1.1, 1.1)))
    assert equal.sigma == 0.0


def test_the_last_run_is_shown_by_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path / "runs" / "b", BEFORE, 2000.0)
    written(tmp_path / "runs" / "a", AFTER, 1000.0)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 0, result.output
    assert str(tmp_path / "runs" / "b") in result.output


def test_a_comparison(tmp_path: Path) -> None:
    before, after = written(tmp_path / "a", BEFORE), written(tmp_path / "b", AFTER)
    result = CliRunner().invoke(main, [str(after), "--compare", str(before)])
    assert result.exit_code == 0, result.output
    assert "1 of 3 quantities changed by 3 sigma or more." in result.output
    assert "BIAS NOISE of RXX_S00 C05: 0 failures before, 5 after" in result.output


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no run has ended there"),
        ("{", "cannot be read"),
        ("[]", "it is not that of a run"),
        ('{"a": 1}', "it is not that of a run"),
    ],
)
def test_what_is_no_run_is_refused_in_words(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "summary.json").write_text(content)
    result = CliRunner().invoke(main, [str(tmp_path)])
    assert result.exit_code == 2
    assert words in " ".join(result.output.split())


def test_no_folder_no_runs_no_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = written(tmp_path / "run", BEFORE)
    for arguments, words in (
        ([], "there is no run below"),
        (["nothing"], "there is no such folder"),
        ([str(folder), "--open"], "has no page report.html"),
        ([str(folder), "--clean"], "this run is not simulated"),
    ):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 2
        assert words in " ".join(result.output.split())


def test_of_many_failures_that_changed_the_greatest_are_shown(tmp_path: Path) -> None:
    often = {f"C{n:02d}": 1 + (n == 29) for n in range(30)}
    failed = [noise(n, name, 13.0, passed=False) for name, times in often.items() for n in range(times)]
    passed = [each | {"passed": True} for each in failed]
    before, after = (
        written(tmp_path / "before", summary(passed)),
        written(tmp_path / "after", summary(failed)),
    )
    result = CliRunner().invoke(main, [str(after), "--compare", str(before)])
    assert [line for line in result.output.splitlines() if "failures before" in line] == [
        "BIAS NOISE of RXX_S00 C29: 0 failures before, 2 after",
        "BIAS NOISE of RXX_S00 C00, RXX_S00 C01, RXX_S00 C02, RXX_S00 C03 and 25 more:"
        " 0 failures before, 1 after each",
    ]


def test_a_refused_run_has_nothing_to_compare(tmp_path: Path) -> None:
    refused, after = written(tmp_path / "before", summary([])), written(tmp_path / "after", AFTER)
    result = CliRunner().invoke(main, [str(after), "--compare", str(refused)])
    assert "Nothing to compare: there is no quantity that both runs have measured." in result.output
    assert "0 of 0" not in result.output
    assert "failures before" not in result.output  # none of them was measured before


def test_only_a_run_is_offered_to_be_resumed(tmp_path: Path) -> None:
    folder = tmp_path / "sp ace"
    folder.mkdir()
    assert "--resume" not in CliRunner().invoke(main, [str(folder)]).output
    (folder / "journal.jsonl").touch()
    assert f"bin/run_script --resume '{folder}'" in CliRunner().invoke(main, [str(folder)]).output


def test_the_page_of_a_run_that_was_killed_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = list[str]()
    monkeypatch.setattr("webbrowser.open", opened.append)  # answers None: it could not be started
    (tmp_path / "report.html").touch()
    result = CliRunner().invoke(main, [str(tmp_path), "--open"])
    assert result.exit_code == 0
    assert f"the page is {tmp_path / 'report.html'}" in result.output
    assert opened == [(tmp_path / "report.html").as_uri()]


@pytest.mark.parametrize("there", [True, False])
def test_the_page_is_opened_or_it_is_said_that_it_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    run, opened = written(tmp_path / "run", BEFORE), list[str]()
    (run / "report.html").touch()

    def open_browser(address: str) -> bool:
        opened.append(address)
        return there

    monkeypatch.setattr("webbrowser.open", open_browser)
    result = CliRunner().invoke(main, [str(run), "--open"])
    assert opened == [(run / "report.html").as_uri()]
    assert ("No browser could be started" in result.output) is not there
