"""Run directories whose journal someone else wrote: refused with the line, or harmless."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.journal.journal import FORMAT

Make = Callable[..., Any]

ESCAPE = "\x1b[2J\x1b]0;owned\x07"


@pytest.fixture
def journal(tmp_path: Path) -> Callable[..., None]:
    """Write the journal of a run that can go on, but for some changes and further lines."""

    def write(*lines: dict[str, Any] | bytes, **changes: Any) -> None:
        run = tmp_path / "run"
        (run / "repo").mkdir(parents=True)
        marker = {"instrument": "LATISS", "scale": 16, "seed": 7}
        (run / "repo" / "SIMULATED.json").write_text(json.dumps(marker))
        configured = {
            "fact": "RunConfigured", "time": 1736964000.0, "format": FORMAT,
            "script": "MakeLatissCalibrations",
            "instrument": "LATISS", "text": "script_mode: BIAS\nn_bias: 3", "config": {}, "simulated": True,
            "repository": str(run / "repo"), "seed": 7, "scale": 16, "date": "2025-02-01", "collections": [],
        }  # fmt: skip
        all_lines = [{**configured, **changes}, *lines]
        content = [each if isinstance(each, bytes) else json.dumps(each).encode() for each in all_lines]
        (run / "journal.jsonl").write_bytes(b"".join(each + b"\n" for each in content))

    return write


def untouched(command: Make, folder: Path, *expected: str) -> None:
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    outcome = command("--resume", "run")
    outcome.is_refused("--resume", *expected)
    assert len(outcome.screen) < 5000
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"date": "soon"}, "date 'soon'"), ({"date": ESCAPE}, "date"), ({"date": None}, "not there any more"),
        ({"scale": 0}, "scale 0"), ({"scale": -1}, "scale -1"), ({"scale": 10**9}, "scale"),
        ({"scale": None}, "scale"),
        ({"scale": 1.5}, "scale"), ({"seed": -5}, "seed -5"), ({"seed": 10**30}, "seed"),
        ({"seed": "1"}, "seed"),
        ({"repository": "../x"}, "repository '../x'"), ({"repository": "a\0b"}, "repository"),
        ({"repository": "/a" * 5000}, "repository"), ({"repository": "/"}, "not there any more"),
        ({"repository": "/etc/../etc"}, "not there any more"),
        ({"repository": f"/nowhere/{ESCAPE}"}, "repository"),
        ({"collections": ["../../x"]}, "collection '../../x'"), ({"collections": ["a b;c"]}, "collection"),
        ({"collections": [ESCAPE]}, "collection"), ({"collections": "ab"}, "collections is 'ab'"),
        ({"time": float("nan")}, "time is nan"), ({"time": float("inf")}, "time is inf"),
        ({"time": 1e300}, "time"),
        ({"time": -(10**400)}, "line 1"), ({"time": True}, "time is True"), ({"format": 10**9}, "newer"),
        ({"format": "2; touch canary"}, "format"), ({"script": ESCAPE}, "is a run of"),
        ({"script": "../x"}, "../x"),
        ({"simulated": False}, "a run in"), ({"fact": ESCAPE}, "no kind of fact"),
        ({"fact": "__class__"}, "no kind"),
        ({"canary": "$(touch canary)"}, "other fields"), ({"text": 3}, "text is 3"),
    ],
    ids=range(35),
)  # fmt: skip
def test_a_journal_that_no_run_has_written(
    command: Make, journal: Make, tmp_path: Path, changes: dict[str, Any], expected: str
) -> None:
    journal(**changes)
    untouched(command, tmp_path, expected)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"", id="empty-line"),
        pytest.param(b"\xff\xfe\0", id="bytes"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'{"fact": "RunResumed", "time": ' + b"9" * 5000 + b"}", id="digits"),
        pytest.param(b'{"fact": "RunResumed", "time": 1e400}', id="too-large"),
        pytest.param(b'{"fact": "RunResumed", "time": NaN}', id="nan"),
        pytest.param(ESCAPE.encode(), id="escape-sequence"),
        pytest.param({"fact": "RunConfigured", "time": 1.0}, id="another-begin"),
        pytest.param({"fact": "ReadoutEnded", "time": 1.0, "id": 7}, id="unknown-exposure"),
        pytest.param({"fact": "JobEnded", "time": 1.0, "job_id": ESCAPE, "exit_code": 0}, id="unknown-job"),
        *(
            pytest.param(
                {
                    "fact": "JobSubmitted", "time": 1.0, "job_id": job_id, "kind": "verify",
                    "calibration": "BIAS",
                    "pipeline": "p", "config": "c", "data_query": "1=1", "collection": "*",
                    "log": "/etc/passwd",
                },
                id=f"job-{number}",
            )
            for number, job_id in enumerate(["../../canary", "*", "", "a/b", "a,b", ESCAPE,
            "$(touch canary)"])
        ),
        pytest.param(
            {
                "fact": "ExposureBegun", "time": 1.0, "group_id": "x", "image_type": "BIAS",
                "exp_time": 1e308,
                "position": 1, "discarded": False,
            },
            id="endless-exposure",
        ),
    ],
)  # fmt: skip
def test_a_line_that_is_no_fact(command: Make, journal: Make, tmp_path: Path, line: Any) -> None:
    journal(line)
    untouched(command, tmp_path, "line 2")


def test_a_configuration_in_a_journal_is_examined_like_any_other(command: Make, journal: Make) -> None:
    journal(text="calib_collection: ../../canary\nn_bias: !!python/object/apply:os.system ['touch canary']")
    outcome = command("--resume", "run")
    outcome.is_harmless()
    assert outcome.status == 2
    assert "is not possible in a configuration" in outcome.words


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "loop", "other"])
def test_a_journal_that_is_no_file(command: Make, tmp_path: Path, kind: str) -> None:
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "journal.jsonl"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"device": "/dev/zero", "loop": str(path), "other": "/etc/hostname"}[kind])
    outcome = command("--resume", "run")
    outcome.is_refused("--resume")
