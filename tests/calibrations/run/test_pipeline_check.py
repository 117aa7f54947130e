"""The process that checks pipelines: what it answers, and what is said of one that does not."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from lsst.ts.calibrations.butler.pipeline_files import PipelineFiles
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.run import pipeline_check
from lsst.ts.calibrations.run.pipeline_check import PipelineCheck
from lsst.ts.calibrations.workflow.workflow import make_workflow
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.pipelines import PIPELINES


def problems(program: str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let another program answer for the process that checks."""

    def start() -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-c", program], stdin=pipe, stdout=pipe, stderr=pipe, text=True
        )

    monkeypatch.setattr(pipeline_check, "_checking_process", start)
    monkeypatch.setattr(pipeline_check, "_answers", {})
    workflow = make_workflow(CalibrationConfig.from_namespace({"script_mode": "BIAS"}, LATISS))
    check = PipelineCheck(PipelineFiles(LATISS, PIPELINES), workflow, logging.getLogger("run"))
    return clock.run(check.problems)


def test_what_an_imported_task_prints_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    program = """if True:
        import json, os, sys
        questions = json.load(sys.stdin)
        os.write(1, b"of a library")
        print("\\n" + json.dumps([[["a problem"], []] for _ in questions]))
    """
    assert problems(program, monkeypatch) == ["a problem"]


@pytest.mark.parametrize(
    ("program", "why"),
    [
        ("import os; os.kill(os.getpid(), 9)", "status -9"),
        ("raise SystemExit('no memory')", "no memory"),
    ],
)
def test_why_nothing_is_checked_is_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, program: str, why: str
) -> None:
    assert problems(program, monkeypatch) == []
    (message,) = caplog.messages
    assert message.startswith("The options of the pipelines are not checked: the process that does it ended")
    assert f"with {why}" in message
