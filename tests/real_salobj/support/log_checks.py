"""Configurations of whole runs, and what an operator must have read of them."""

from __future__ import annotations

from typing import Any

EMPTY = ""

FEW = "n_bias: 2\nn_dark: 1\nexp_times_dark: 10\nn_flat: 2\nscript_mode: BIAS_DARK_FLAT\n"

ENOUGH = "n_bias: 20\nn_dark: 20\nexp_times_dark: 10\nn_flat: 20\nscript_mode: BIAS_DARK_FLAT\n"
"""For combined calibrations that are verified against the images that they are made of."""

INTERNAL = """
generate_calibrations: true
calib_collection: u/test/{name}
certify_calib_begin_date: "2020-01-01"
certify_calib_end_date: "2050-01-01"
"""


def check_that_the_log_is_the_report(queued: Any, *, internal: bool) -> None:
    """Every section of report.txt was read in the log: verdicts in one line where nothing failed."""
    criteria = "and will be certified" if internal else "against existing calibrations"
    log = "\n".join(queued.lines)
    verdicts = []
    for section in queued.report:
        headline = section.splitlines()[0]
        if " calibration passed " in headline:
            verdicts.append(headline)
            (line,) = [line for line in queued.lines if line.startswith(headline)]
            assert f"Full report: {queued.run_directory / 'report.txt'}" in line
        elif not headline.startswith("SIMULATED"):
            assert section in log
    assert verdicts == [
        f"{kind} calibration passed the overall verification criteria {criteria}."
        for kind in ("BIAS", "DARK", "FLAT")
    ]
    for kind in ("BIAS", "DARK", "FLAT"):
        assert f"{kind} passed verification (0 of " in queued.reason
    certified = [line for line in queued.lines if " certified in u/test/" in line]
    assert len(certified) == (3 if internal else 0)
