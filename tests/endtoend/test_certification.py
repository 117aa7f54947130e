"""Combined calibrations are refused when they do not verify."""

from __future__ import annotations

from typing import Any

import pytest

from .conftest import SMALL

pytestmark = [pytest.mark.endtoend, pytest.mark.timeout(900)]


def options(**values: object) -> list[str]:
    return [word for name, value in values.items() for word in ("-p", f"{name}={value}")]


def test_the_example_of_the_page_with_three_images_is_refused(run_script: Any) -> None:
    run = run_script(
        *SMALL,
        *options(
            script_mode="BIAS_DARK",
            n_bias=3,
            n_dark=3,
            exp_times_dark=15,
            calib_collection="LATISS/calib/u/plazas/daily.2022SEP29.2",
            generate_calibrations=True,
            certify_calib_begin_date="1980-01-01",
            certify_calib_end_date="2051-12-31",
        ),
    )
    assert run.status == 1, run.output
    verdict = run.summary["verification"]["BIAS"]
    assert list(verdict["thresholds"].values()) == [8, 1, 8, 3, 3]
    assert [tests["NOISE"] for tests in verdict["failures"].values()] == [16, 16, 16]
    assert run.summary["certified"] == []
    assert [job["calibration"] for job in run.summary["jobs"]] == ["BIAS", "BIAS"]
    assert "certify BIAS" in [each["step"] for each in run.summary["not_done"]]
    assert "BIAS calibration failed verification and will not be certified" in run.report
