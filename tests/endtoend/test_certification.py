"""Combined calibrations: certified when they verify, refused when not, never twice for the same time."""

from __future__ import annotations

from typing import Any

import pytest
from lsst.daf.butler import Butler

pytestmark = [pytest.mark.endtoend, pytest.mark.timeout(900)]

COLLECTION = "LATISS/calib/u/test/daily.1"


def options(**values: object) -> list[str]:
    return [word for name, value in values.items() for word in ("-p", f"{name}={value}")]


def test_the_example_of_the_page_with_three_images_is_refused(run_script: Any) -> None:
    run = run_script(
        *options(
            script_mode="BIAS_DARK",
            n_bias=3,
            n_dark=3,
            exp_times_dark=15,
            calib_collection="LATISS/calib/u/plazas/daily.2022SEP29.2",
            generate_calibrations=True,
            certify_calib_begin_date="1980-01-01",
            certify_calib_end_date="2051-12-31",
        )
    )
    assert run.status == 1, run.output
    verdict = run.summary["verification"]["BIAS"]
    assert list(verdict["thresholds"].values()) == [8, 1, 8, 3, 3]
    assert [tests["NOISE"] for tests in verdict["failures"].values()] == [16, 16, 16]
    assert run.summary["certified"] == []
    assert [job["calibration"] for job in run.summary["jobs"]] == ["BIAS", "BIAS"]
    assert "certify BIAS" in [each["step"] for each in run.summary["not_done"]]
    assert "BIAS calibration failed verification and will not be certified" in run.report


def test_what_is_certified_serves_the_next_night(run_script: Any, tmp_path: Any) -> None:
    repository = ["--repo", str(tmp_path / "repo")]
    make = options(
        script_mode="BIAS",
        n_bias=15,
        generate_calibrations=True,
        calib_collection=COLLECTION,
        certify_calib_begin_date="2025-01-15",
        certify_calib_end_date="2025-01-20",
    )
    made = run_script(*repository, *make)
    assert made.status == 0, made.output
    (certified,) = made.summary["certified"]
    assert (certified["dataset_type"], certified["verified"]) == ("bias", True)

    again = run_script(*repository, *make)
    assert again.status == 2, again.output
    assert again.summary["exposures"] == []
    assert "calib_collection: LATISS/calib/u/test/daily.2" in again.summary["reason"]

    verify = options(script_mode="BIAS", n_bias=2, input_collections_verify_bias=f"{COLLECTION},LATISS/calib")
    night = run_script(*repository, "--date", "2025-01-16", *verify)
    assert night.status == 0, night.output
    exposure = night.exposures("BIAS")[0]["id"]
    with Butler.from_config(str(tmp_path / "repo")) as butler:
        found = butler.get(
            "bias", instrument="LATISS", detector=0, exposure=exposure, collections=COLLECTION
        ).metadata
    assert found["INPUT EXPOSURES"] == [each["id"] for each in made.exposures("BIAS")]
