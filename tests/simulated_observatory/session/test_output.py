"""A run whose output nobody reads any more goes on to its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lsst.ts.simulated_observatory.session.output import LastingOutput

COMMAND = """
import os, sys
from lsst.ts.simulated_observatory.sal_names import use_embedded_sal
use_embedded_sal()
from lsst.ts.simulated_observatory.session import simulated_run
from lsst.ts.simulated_observatory.cli.run_script import main
from lsst.ts.simulated_observatory.session.setup import SetupWithoutPixels
simulated_run.SimulationSetup = SetupWithoutPixels
main(sys.argv[1:])
"""
SMALL = ("-p", "script_mode=BIAS", "-p", "n_bias=1", "-p", "n_discard_bias=0")


def test_what_is_written_to_a_broken_pipe_is_lost_and_nothing_else() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", buffering=1) as file:
        output = LastingOutput(file)
        for _ in range(3):
            assert output.write("a line\n") == 7
            output.flush()


@pytest.mark.endtoend
@pytest.mark.timeout(300)
def test_a_terminal_that_is_gone_does_not_end_the_run(tmp_path: Path) -> None:
    """As when a window is closed whose command ignores the hangup."""
    terminal, end = os.openpty()
    command = [sys.executable, "-c", COMMAND, "auxtel/make_latiss_calibrations.py", *SMALL]
    with subprocess.Popen(
        [*command, "--out", str(tmp_path / "run")],
        env={**os.environ, "TS_CALIBRATIONS_SAL": "embedded", "TERM": "xterm"},
        stdout=end,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(end)
        os.read(terminal, 1)  # it has begun to show something
        os.close(terminal)
        _, errors = process.communicate(timeout=250)
    assert (process.returncode, errors) == (0, "")
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["state"] == "DONE"
