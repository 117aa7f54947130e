"""Calibrations of one night serve the next, as long as they are valid."""

from __future__ import annotations

from typing import Any

import pytest
from lsst.daf.butler import Butler

pytestmark = [pytest.mark.endtoend, pytest.mark.long, pytest.mark.timeout(900)]

CALIBRATIONS = ("bias", "dark", "flat", "defects", "ptc")


@pytest.fixture(scope="module")
def collection(first_night: Any) -> str:
    """Where the first night certified."""
    assert first_night.status == 0, first_night.output
    return first_night.summary["config"]["calib_collection"]


@pytest.fixture(scope="module")
def next_night(run_script: Any, first_night: Any, page: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The run of the next day that the page shows, in the repository of the first."""
    assert first_night.status == 0, first_night.output
    text = tmp_path_factory.mktemp("next") / "next.yaml"
    text.write_text(page.blocks("yaml", "The next night")[0], encoding="utf-8")
    return run_script("-c", str(text), "--repo", str(first_night.repository), "--date", "2025-01-16")


def test_images_of_the_next_night_verify_against_the_calibrations_of_the_first(next_night: Any) -> None:
    assert next_night.status == 0, next_night.output
    assert [(job["kind"], job["exit_code"]) for job in next_night.summary["jobs"]] == [
        ("verify", 0), ("verify", 0), ("verify", 0), ("gain", 0),
    ]  # fmt: skip
    verdicts = next_night.summary["verification"]
    assert list(verdicts) == ["BIAS", "DARK", "FLAT"]
    assert all(each["passed"] and each["complete"] for each in verdicts.values())


@pytest.mark.parametrize("kind", ["BIAS", "DARK", "FLAT"])
def test_each_job_found_all_calibrations_of_the_first_night(
    first_night: Any, next_night: Any, kind: str
) -> None:
    """The collection of a job leads on to its inputs: what an exposure finds there is what the job used."""
    exposure = next_night.exposures(kind)[0]
    job = next_night.job("verify", kind)["collection"]
    with Butler.from_config(str(first_night.repository), collections=job) as butler:
        (record,) = butler.query_dimension_records("exposure", instrument="LATISS", exposure=exposure["id"])
        for name in CALIBRATIONS:
            optics = {"physical_filter": exposure["physical_filter"]} if name == "flat" else {}
            ref = butler.find_dataset(
                name, instrument="LATISS", detector=0, timespan=record.timespan, **optics
            )
            assert ref is not None, name
            assert ref.run == f"{first_night.job('generate', name.upper())['collection']}/run"


def test_the_same_validity_again_is_refused_before_any_exposure(
    run_script: Any, first_night: Any, collection: str
) -> None:
    words = ["script_mode=BIAS", "n_bias=15", "generate_calibrations=true", f"calib_collection={collection}"]
    words += ["certify_calib_begin_date=2025-01-17", "certify_calib_end_date=2025-01-25"]
    options = [word for option in words for word in ("-p", option)]
    again = run_script(*options, "--repo", str(first_night.repository), "--date", "2025-01-17")
    assert again.status == 2, again.output
    assert again.summary["exposures"] == []
    assert f"{collection} already has bias valid from 2025-01-15T00:00:00.000" in again.summary["reason"]
    assert f"calib_collection: {collection[:-1]}2" in again.summary["reason"]


def test_a_night_after_the_validity_is_told_that_there_is_nothing_to_verify_against(
    run_script: Any, first_night: Any, collection: str
) -> None:
    words = [f"input_collections_verify_{kind}={collection}" for kind in ("bias", "dark", "flat")]
    options = [word for option in words for word in ("-p", option)]
    late = run_script(*options, "--repo", str(first_night.repository), "--date", "2025-01-18")
    assert late.status == 2, late.output
    assert late.summary["exposures"] == []
    for name in ("bias", "dark", "flat"):
        told = f"input_collections_verify_{name}: {collection} has no combined {name}"
        assert told in late.summary["reason"]
    assert "valid now" in late.summary["reason"]
    assert "Traceback" not in late.output
