"""The option --resume: refused in words where a run cannot go on, before anything is touched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.journal.facts import (
    ExposureBegun,
    RunConfigured,
    RunEnded,
    StepNotDone,
    VerdictGiven,
)
from lsst.ts.calibrations.journal.journal import FORMAT, JOURNAL, Journal
from lsst.ts.calibrations.journal.record import RunRecord

BEGIN = 1736964000.0


def begin(folder: Path, *, state: str = "", **changes: Any) -> Journal:
    """Begin the journal of a run in ``run`` of a folder, and leave it open."""
    folder.joinpath("run").mkdir()
    fields: dict[str, Any] = {
        "time": BEGIN, "format": FORMAT, "script": "MakeLatissCalibrations", "instrument": "LATISS",
        "text": "script_mode: BIAS\nn_bias: 3", "config": {}, "simulated": True,
        "repository": str(folder / "run" / "repo"), "seed": 7, "scale": 16, "date": "2025-02-01",
        "collections": ("u/mine",),
    }  # fmt: skip
    journal = Journal(folder / "run" / JOURNAL)
    journal.append(RunConfigured(**{**fields, **changes}))
    if state:
        journal.append(RunEnded(time=BEGIN, state=state, reason=""))
    return journal


def refused(outcome: Any, *expected: str) -> None:
    assert outcome.status == 2
    for words in expected:
        assert words in outcome.text
    assert "Traceback" not in outcome.text
    assert outcome.touched == set()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-p", "n_bias=3"], "-p"),
        (["-c", "config.yaml"], "-c"),
        (["--seed", "1"], "--seed"),
        (["--scale", "4", "--date", "2025-01-15"], "--scale, --date"),
        (["--repo", "repo"], "--repo"),
        (["--out", "out"], "--out"),
        (["--collection", "u/mine"], "--collection"),
        (["--reference", "measured"], "--reference"),
    ],
)
def test_what_the_journal_knows_cannot_be_given_anew(
    run_script: Any, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    begin(tmp_path).close()
    refused(
        run_script("--resume", "run", *arguments), f"--resume together with {expected}: a run goes on with"
    )


def test_a_folder_without_a_run_is_refused(run_script: Any) -> None:
    refused(run_script("--resume", "nowhere"), "nowhere holds no run", "Nothing was exposed")


def test_a_run_that_is_done_is_refused(run_script: Any, tmp_path: Path) -> None:
    begin(tmp_path, state="DONE").close()
    refused(run_script("--resume", "run"), "is DONE: there is nothing left to do")


def rejected(journal: Journal, calibration: str, *, complete: bool = True) -> None:
    """Add the negative verdict on a combined calibration, and the end of the run, to a journal."""
    journal.append(
        VerdictGiven(
            time=BEGIN, calibration=calibration, passed=False, complete=complete, thresholds={}, n_failed=48,
            verification_collection="v", generation_collection="g", failures={}, n_tests=144,
        )
    )  # fmt: skip
    journal.append(StepNotDone(time=BEGIN, step=f"certify {calibration}", reason="rejected"))
    journal.append(RunEnded(time=BEGIN, state="FAILED", reason=""))
    journal.close()


def test_a_run_that_ended_with_a_rejection_is_refused_before_its_repository_is_opened(
    run_script: Any, tmp_path: Path
) -> None:
    rejected(begin(tmp_path), "BIAS")
    refused(run_script("--resume", "run", script=None), "BIAS was rejected", "start a new run")


@pytest.mark.parametrize(("calibration", "complete"), [("PTC", True), ("BIAS", False)])
def test_a_run_in_which_more_can_be_done_is_not(
    run_script: Any, tmp_path: Path, calibration: str, complete: bool
) -> None:
    rejected(begin(tmp_path), calibration, complete=complete)
    refused(run_script("--resume", "run", script=None), "is not there any more")


def test_a_run_of_another_script_is_refused(run_script: Any, tmp_path: Path) -> None:
    begin(tmp_path, script="MakeComCamCalibrations").close()
    refused(run_script("--resume", "run"), "is a run of MakeComCamCalibrations")


def test_a_run_of_the_observatory_is_refused(run_script: Any, tmp_path: Path) -> None:
    begin(tmp_path, simulated=False, repository=None, date=None).close()
    refused(run_script("--resume", "run"), "is a run in the observatory on the bus", "Resume it there")


def test_a_run_that_is_going_on_is_refused(run_script: Any, tmp_path: Path) -> None:
    journal = begin(tmp_path)
    refused(run_script("--resume", "run"), "a run is going on in", "Wait until it has ended")
    journal.close()


def test_a_damaged_journal_is_refused_with_its_line(run_script: Any, tmp_path: Path) -> None:
    begin(tmp_path, state="FAILED").close()
    path = tmp_path / "run" / JOURNAL
    path.write_text(path.read_text().replace('"state"', '"statement"'))
    refused(run_script("--resume", "run"), "line 2", "has other fields")


def test_a_run_whose_repository_is_gone_is_refused(run_script: Any, tmp_path: Path) -> None:
    begin(tmp_path).close()
    refused(run_script("--resume", "run"), f"{tmp_path / 'run' / 'repo'}, is not there any more")


def test_the_option_of_the_queue_is_not_that_of_the_command(run_script: Any, tmp_path: Path) -> None:
    refused(run_script("-p", f"resume={tmp_path}"), f"say --resume {tmp_path}")
    refused(run_script("-p", "resume=run"), "not the absolute path", "--resume DIR")


def test_a_fault_that_is_none_is_refused(run_script: Any, tmp_path: Path) -> None:
    begin(tmp_path).close()
    refused(run_script("--resume", "run", "--fault", "hardware"), "there is no fault 'hardware'")


def test_everything_is_as_it_was_when_the_run_began(
    run_script: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    from lsst.ts.simulated_observatory.session import simulated_run as simulate

    seen: list[Any] = []

    def take(*given: Any, **how: Any) -> int:
        seen.append((*given, how))
        return 0

    monkeypatch.setattr(simulate, "simulate_run", take)
    begin(tmp_path, state="STOPPED").close()
    tmp_path.joinpath("run", "repo").mkdir()
    tmp_path.joinpath("run", "repo", "SIMULATED.json").write_text("{}")
    arguments = ("--resume", "run", "--fault", "oods-lost:image=1", "--index", "3")
    assert run_script(*arguments, script=None).status == 0  # the journal knows the script
    ((_, text, options, how),) = seen
    assert text == "script_mode: BIAS\nn_bias: 3"
    assert (options.folder, options.repository) == (tmp_path / "run", tmp_path / "run" / "repo")
    assert (options.scale, options.seed, f"{options.night}") == (16, 7, "2025-02-01")
    assert (options.collections, options.faults) == (("u/mine",), ("oods-lost:image=1",))
    assert how["index"] == 3


def test_the_simulated_clock_goes_on_after_all_that_the_journal_tells_of() -> None:
    from lsst.ts.simulated_observatory.session.resumption import PAUSE, time_of_resumption

    record = RunRecord()
    with pytest.raises(ValueError, match="empty"):
        time_of_resumption(record)
    record.apply(
        RunConfigured(
            time=BEGIN, format=FORMAT, script="", instrument="", text="", config={}, simulated=True,
            repository=None, seed=1, scale=1, date=None, collections=(),
        )
    )  # fmt: skip
    assert time_of_resumption(record) == BEGIN + PAUSE
    record.apply(
        ExposureBegun(
            time=BEGIN + 9, group_id="", image_type="DARK", exp_time=300.0, position=1, discarded=False
        )
    )
    assert time_of_resumption(record) == BEGIN + 9 + 300 + PAUSE
