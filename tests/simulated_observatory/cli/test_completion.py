"""What the shell is told to complete."""

from __future__ import annotations

import pytest
from click.shell_completion import ShellComplete

from lsst.ts.simulated_observatory.cli.run_script import main


@pytest.mark.parametrize(
    ("words", "begun", "expected"),
    [
        ([], "auxtel/", "auxtel/make_latiss_calibrations.py"),
        (["auxtel/make_latiss_calibrations.py", "--fault"], "amplifier-n", "amplifier-noise"),
        (["--fault"], "ocps-ex", "ocps-exit"),
        ([], "--resu", "--resume"),
    ],
)
def test_scripts_faults_and_options_are_completed(words: list[str], begun: str, expected: str) -> None:
    completion = ShellComplete(main, {}, "bin/run_script", "_RUN_SCRIPT_COMPLETE")
    assert [each.value for each in completion.get_completions(words, begun)] == [expected]
