"""Texts that a bus would not take: the script ends all the same, and says what can be said."""

from __future__ import annotations

from typing import Any

import pytest

from lsst.ts.calibrations.components import sal
from lsst.ts.calibrations.run.calibration_run import CalibrationRun

pytestmark = pytest.mark.timeout(120)  # without a final state it would never end


@pytest.mark.parametrize("text", ["x" * 1_500_000, "a name \udce4 of a file"], ids=["huge", "half"])
def test_a_reason_that_cannot_be_sent_leaves_no_script_running(
    night: Any, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    async def run(self: CalibrationRun) -> str:
        raise ValueError(text)

    monkeypatch.setattr(CalibrationRun, "run", run)
    outcome = night("script_mode: BIAS\nn_bias: 1\n")
    assert outcome.states[-2:] == ["FAILING", "FAILED"]
    reason = outcome.summary["reason"]
    assert reason.startswith(f"Error in run: {text[:7]}")
    assert len(reason) < sal.MOST_SENT + 100
    assert outcome.summary["state"] == "FAILED"
