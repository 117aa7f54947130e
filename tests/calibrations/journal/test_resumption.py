"""Resuming a run: only one that can go on, and by one process alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.config.text import read_mapping
from lsst.ts.calibrations.journal.facts import (
    ExposureBegun,
    ExposureTaken,
    Fact,
    ReadoutEnded,
    RunConfigured,
    RunEnded,
    RunResumed,
)
from lsst.ts.calibrations.journal.journal import FORMAT, JOURNAL, Journal
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.journal.resumption import ResumptionError, asked_for, resume_run

SCRIPT = "MakeLatissCalibrations"
CONFIGURED = RunConfigured(
    time=1.0, format=FORMAT, script=SCRIPT, instrument="LATISS", text="n_bias: 3", config={"n_bias": 3},
    simulated=True, repository="/r", seed=1, scale=4, date="2025-01-15", collections=("u/mine",),
)  # fmt: skip
TAKEN = ExposureTaken(
    time=2.0, id=7, obs_id="AT_O_20250115_000007", image_type="BIAS", exp_time=0.0, position=1,
    discarded=True, begun=1.5,
)  # fmt: skip


def ended(state: str) -> Fact:
    return RunEnded(time=9.0, state=state, reason="")


def resumed(folder: Path, script: str = SCRIPT) -> RunRecord:
    """What the journal of a run that goes on holds."""
    resumption = resume_run(folder, script)
    resumption.journal.close()
    return resumption.record


def write(folder: Path, facts: Sequence[Fact]) -> Path:
    journal = Journal(folder / JOURNAL)
    for fact in facts:
        journal.append(fact)
    journal.close()
    return folder


@pytest.mark.parametrize("end", [[], [ended("FAILED")], [ended("STOPPED")]])
def test_a_run_that_was_killed_stopped_or_failed_can_go_on(tmp_path: Path, end: list[Fact]) -> None:
    folder = write(tmp_path, [CONFIGURED, TAKEN, *end])
    resumption = resume_run(folder, SCRIPT)
    assert resumption.configured == CONFIGURED
    assert list(resumption.record.exposures) == [7]
    resumption.journal.close()


def test_a_run_that_goes_on_has_no_end(tmp_path: Path) -> None:
    folder = write(tmp_path, [CONFIGURED, ended("DONE"), RunResumed(time=10.0)])
    record = resumed(folder)
    assert record.ended is None
    assert record.resumed


def test_a_run_is_resumed_by_one_alone(tmp_path: Path) -> None:
    folder = write(tmp_path, [CONFIGURED])
    first = resume_run(folder, SCRIPT)
    with pytest.raises(ResumptionError, match="a run is going on"):
        resume_run(folder, SCRIPT)
    first.journal.close()
    resume_run(folder, SCRIPT).journal.close()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ([], "holds no fact"),
        ([CONFIGURED, ended("DONE")], "DONE: there is nothing left"),
        ([TAKEN], "line 1: ExposureTaken does not belong here"),
        ([CONFIGURED, CONFIGURED], "line 2: RunConfigured does not belong here"),
        ([CONFIGURED, ReadoutEnded(time=2.0, id=7)], "line 2: ReadoutEnded of 7, which is not known"),
    ],
)
def test_a_run_that_cannot_go_on_says_why(tmp_path: Path, facts: list[Fact], message: str) -> None:
    with pytest.raises(ResumptionError, match=message):
        resumed(write(tmp_path, facts))


def test_a_run_of_another_script_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, [CONFIGURED])
    with pytest.raises(ResumptionError, match=f"a run of {SCRIPT}, not of MakeComCamCalibrations"):
        resumed(folder, "MakeComCamCalibrations")


@pytest.mark.parametrize(
    ("simulated", "repository", "message"),
    [
        (True, "/r", "the simulated observatory of the command line"),
        (True, None, "the simulated observatory on the bus"),
        (False, None, "the observatory on the bus"),
    ],
)
def test_a_run_goes_on_in_the_observatory_in_which_it_began(
    tmp_path: Path, simulated: bool, repository: str | None, message: str
) -> None:
    folder = write(tmp_path, [replace(CONFIGURED, simulated=simulated, repository=repository)])
    resumption = resume_run(folder, SCRIPT)
    resumption.check_place(simulated=simulated, in_process=repository is not None)
    for other in (True, False):
        if (other, not other) != (simulated, repository is not None):
            with pytest.raises(ResumptionError, match=f"is a run in {message}"):
                resumption.check_place(simulated=other, in_process=not other)
    resumption.journal.close()


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ResumptionError, match="holds no run: there is nothing to resume, no journal"):
        resumed(tmp_path)


def test_a_path_that_cannot_be_looked_at_is_refused_in_words(
    night: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome = night(f"resume: {tmp_path / ('a' * 300)}", part=1)
    assert (outcome.state, "cannot be read: File name too long" in outcome.reason) == (
        "CONFIGURE_FAILED",
        True,
    )

    def closed(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    folder = write(tmp_path, [CONFIGURED])
    for look in ("is_dir", "exists", "is_file"):
        with monkeypatch.context() as patch:
            patch.setattr(Path, look, closed)
            with pytest.raises(ResumptionError, match=f"in {folder} cannot be read: Permission denied"):
                resume_run(folder, SCRIPT)


@pytest.mark.parametrize("closed", ["", "report.txt"], ids=["the run directory", "the report"])
def test_a_run_of_somebody_else_is_refused_before_anything_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed: str
) -> None:
    folder = write(tmp_path, [CONFIGURED])
    (folder / "report.txt").write_text("a verdict")
    monkeypatch.setattr("os.access", lambda path, mode: path != folder / closed)
    with pytest.raises(ResumptionError) as refused:
        resume_run(folder, SCRIPT)
    assert f"may not write to {folder / closed}." in str(refused.value)
    assert f"Make {folder} and all in it writeable for this user, then resume the run." in str(refused.value)


def test_a_damaged_journal_is_refused_with_the_line_and_left_as_it_is(tmp_path: Path) -> None:
    folder = write(tmp_path, [CONFIGURED, TAKEN])
    path = folder / JOURNAL
    damaged = path.read_text().replace('"id": 7', '"id": 7 7')
    path.write_text(damaged)
    with pytest.raises(ResumptionError, match="line 2"):
        resume_run(folder, SCRIPT)
    assert path.read_text() == damaged


def test_a_journal_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path, [CONFIGURED])
    path = folder / JOURNAL
    path.write_text(path.read_text().replace(f'"format": {FORMAT}', '"format": 17, "mood": "good"'))
    with pytest.raises(ResumptionError, match="format 17 of a newer version"):
        resumed(folder)


def test_the_exposure_that_was_under_way_is_known_until_it_is_taken(tmp_path: Path) -> None:
    begun = ExposureBegun(
        time=1.5, group_id="g#1", image_type="BIAS", exp_time=0.0, position=1, discarded=True
    )
    (tmp_path / "a").mkdir()
    assert resumed(write(tmp_path / "a", [CONFIGURED, begun])).begun == begun
    (tmp_path / "b").mkdir()
    assert resumed(write(tmp_path / "b", [CONFIGURED, begun, TAKEN])).begun is None


@pytest.mark.parametrize(
    "text", ["", "n_bias: 3", "note: resume", "resume:\nn_bias: 3", "resume: null\nnote: null", "{]"]
)
def test_a_usual_configuration_resumes_nothing(text: str) -> None:
    assert asked_for(*read_mapping(text)) is None


@pytest.mark.parametrize(
    "text", ["resume: /runs/a b", "{resume: '/runs/a b'}", "resume: /runs/a b\nmetadata: {a: 1}"]
)
def test_the_option_stands_alone(text: str) -> None:
    assert asked_for(*read_mapping(text)) == Path("/runs/a b")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("resume: runs/1", "not the absolute path"),
        ("resume: 7", "not the absolute path"),
        ("resume: [/runs/1]", "not the absolute path"),
        ('resume: ""', "not the absolute path"),
        ("resume:", "nothing is not the absolute path of a run directory. .* The log of the run to resume"),
        ("resume: null", "nothing is not the absolute path"),
        ("resume: /runs/1\nn_bias: 3", "the configuration has more: n_bias"),
        ("resume: /runs/1\nresume: /runs/2", "stands alone"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, message: str) -> None:
    with pytest.raises(ResumptionError, match=message):
        asked_for(*read_mapping(text))


def test_the_script_is_refused_in_words_and_touches_nothing(night: Any, tmp_path: Path) -> None:
    outcome = night(f"resume: {tmp_path / 'nowhere'}", part=1)
    assert outcome.states == ["UNCONFIGURED", "CONFIGURE_FAILED"]
    assert "holds no run" in outcome.reason
    assert "Nothing was exposed" in outcome.reason
    assert not outcome.folder.exists()


def test_a_summary_that_cannot_be_removed_is_told_in_words(night: Any, tmp_path: Path) -> None:
    tmp_path.joinpath("run").mkdir()
    folder = write(tmp_path / "run", [replace(CONFIGURED, repository=str(tmp_path / "repo"))])
    (folder / "summary.json").mkdir()
    outcome = night(f"resume: {folder}", part=1)
    assert outcome.state == "FAILED"
    assert "summary.json of the end before cannot be removed: Is a directory." in outcome.reason
    assert f"Make {folder} and all in it writeable" in outcome.reason


def test_a_run_that_goes_on_refuses_a_second_one(night: Any, tmp_path: Path) -> None:
    tmp_path.joinpath("run").mkdir()
    journal = Journal(write(tmp_path / "run", [CONFIGURED]) / JOURNAL)
    outcome = night(f"resume: {tmp_path / 'run'}", part=1)
    assert outcome.states[-1] == "CONFIGURE_FAILED"
    assert "a run is going on" in outcome.reason
    journal.close()


def test_a_run_of_the_bus_is_refused_before_anything_moves(night: Any, tmp_path: Path) -> None:
    tmp_path.joinpath("run").mkdir()
    folder = write(tmp_path / "run", [replace(CONFIGURED, simulated=False, repository=None)])
    before = (folder / JOURNAL).read_bytes()
    outcome = night(f"resume: {folder}", part=1)
    assert outcome.state == "FAILED"
    assert "is a run in the observatory on the bus" in outcome.reason
    assert (folder / JOURNAL).read_bytes() == before
    assert [path.name for path in folder.iterdir()] == [JOURNAL]
