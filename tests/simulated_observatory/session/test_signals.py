"""Signals to a command that is at work: exit status and summary tell the same end, whenever one comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.simulated_observatory.session.interrupts import ending_signals

COMMAND = """
import atexit, logging, os, signal, sys
from lsst.ts.simulated_observatory.sal_names import use_embedded_sal
use_embedded_sal()
from lsst.ts.simulated_observatory.session import script_session, simulated_run
from lsst.ts.simulated_observatory.cli.run_script import main
from lsst.ts.simulated_observatory.session.setup import SetupWithoutPixels
from lsst.ts.simulated_observatory.clock import SimulatedLoop
from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests after nohup
numbers, when = [getattr(signal, name) for name in sys.argv[1].split()], sys.argv[2]
struck = []

def strike(moment):
    if when in moment:
        struck.append(moment)
        for number in numbers:
            os.kill(os.getpid(), number)

def striking_after(owner, name, moment):
    method = getattr(owner, name)
    def struck_after(*args, **how):
        result = method(*args, **how)
        strike(moment)
        return result
    setattr(owner, name, struck_after)

class Striking(logging.Handler):
    def emit(self, record):
        strike(record.getMessage())

begun = script_session.log_to
def striking_log(log, *args, **how):
    log.addHandler(Striking())
    return begun(log, *args, **how)

script_session.log_to = striking_log
simulated_run.SimulationSetup = SetupWithoutPixels
striking_after(SimulatedObservatory, "__aexit__", "final: the observatory is being closed")
striking_after(SimulatedLoop, "close", "final: the loop is closed")
atexit.register(lambda: print(len(struck), "moments"))
atexit.register(strike, "final: Python ends")
main(sys.argv[3:])
"""
"""The command without pixels, which sends itself signals at each moment whose name has a word in it."""

SMALL = ("-p", "script_mode=BIAS", "-p", "n_bias=1", "-p", "n_discard_bias=0")


def struck(tmp_path: Path, numbers: str, when: str) -> tuple[int, str, dict[str, Any]]:
    """Run a script in a process that gets signals; return exit status, output and summary."""
    arguments = ["auxtel/make_latiss_calibrations.py", *SMALL, "--out", str(tmp_path / "run")]
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, numbers, when, *arguments],
        env={**os.environ, "TS_CALIBRATIONS_SAL": "embedded"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert "Traceback" not in ended.stdout
    assert "Aborted" not in ended.stdout
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    return ended.returncode, ended.stdout, summary


def test_nothing_that_comes_after_the_end_changes_it(tmp_path: Path) -> None:
    """As when somebody presses Ctrl-C once more, or the terminal is closed, at the end of a run."""
    status, output, summary = struck(tmp_path, "SIGINT SIGTERM SIGHUP", "final")
    assert "4 moments" in output
    assert "asked to stop" not in output
    assert (status, summary["state"], len(summary["exposures"])) == (0, "DONE", 1)


def test_ctrl_c_stops_a_script_that_is_not_configured_yet(tmp_path: Path) -> None:
    status, output, summary = struck(tmp_path, "SIGINT SIGINT", "SIMULATED run")
    assert output.count("asked to stop") == 1
    assert (status, summary["state"], summary["exposures"]) == (0, "STOPPED", [])


def test_a_terminal_that_is_closed_ends_the_script_as_sigterm_does(tmp_path: Path) -> None:
    status, output, summary = struck(tmp_path, "SIGHUP SIGINT", "Taking 1 BIAS")
    assert (status, summary["state"]) == (2, "FAILED"), output
    assert "terminated by a signal" in summary["reason"]


def test_nohup_is_heeded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_DFL)
    assert signal.SIGHUP in ending_signals()
    monkeypatch.setattr(signal, "getsignal", lambda _: signal.SIG_IGN)
    assert ending_signals() == (signal.SIGINT, signal.SIGTERM)
