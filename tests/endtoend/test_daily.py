"""The daily calibration of LATISS, as a person sees it who types one command and waits a minute."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from lsst.daf.butler import Butler

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, LATISS
from lsst.ts.calibrations.journal.journal import read_journal
from lsst.ts.calibrations.journal.record import RunRecord
from lsst.ts.calibrations.workflow.plan import make_plan

# Under load the whole script takes minutes.
pytestmark = [pytest.mark.endtoend, pytest.mark.timeout(900)]

KINDS = ("BIAS", "DARK", "FLAT")


@pytest.fixture(scope="module")
def daily(run_script: Callable[..., Any]) -> Any:
    return run_script()


@pytest.fixture(scope="module")
def butler(daily: Any) -> Iterator[Butler]:
    """A Butler that knows nothing of this project, on all results of the run."""
    collections = [job["collection"] for job in daily.summary["jobs"]]
    with Butler.from_config(str(daily.folder / "repo"), collections=collections) as opened:
        yield opened


@pytest.fixture(scope="module")
def gains(daily: Any) -> dict[str, list[dict[str, Any]]]:
    """The measured gains by amplifier."""
    return {
        name: [each for each in daily.summary["gains"] if each["amplifier"] == name] for name in AMPLIFIERS
    }


def test_it_ends_done(daily: Any) -> None:
    assert daily.status == 0, daily.output
    assert (daily.summary["state"], daily.summary["not_done"]) == ("DONE", [])
    assert [job["exit_code"] for job in daily.summary["jobs"]] == [0, 0, 0, 0]
    assert daily.summary["certified"] == []


def test_its_last_words_are_the_verdict_and_where_everything_is(daily: Any) -> None:
    verdict, page, where = daily.output.splitlines()[-3:]
    assert verdict.startswith("DONE")
    assert page.endswith(f"{daily.folder}/report.html")
    assert where.endswith(str(daily.folder))


def test_65_raw_files_have_the_type_and_time_that_was_asked_for(daily: Any) -> None:
    exposures = daily.summary["exposures"]
    headers = [fits.getheader(file) for each in exposures for file in each["files"]]
    assert [(header["IMGTYPE"], header["EXPTIME"]) for header in headers] == [
        *[("BIAS", 0.0)] * 21,
        *[("DARK", seconds) for seconds in [5.0] * 5 + [15.0] * 2 + [30.0] * 16],
        *[("FLAT", 5.0)] * 21,
    ]
    assert [header["OBSID"] for header in headers] == [each["obs_id"] for each in exposures]
    assert all(each["ingested"] for each in exposures)


def test_no_other_image_files_are_left(daily: Any) -> None:
    named = {file for each in daily.summary["exposures"] for file in each["files"]}
    images = daily.folder / "repo" / "images"
    assert len(named) == 65
    assert {str(path) for path in images.rglob("*.fits*")} == named
    assert not list(images.rglob("*.segments"))


def test_20_22_and_20_exposures_are_used(daily: Any) -> None:
    for kind, number in zip(KINDS, (20, 22, 20), strict=True):
        query = daily.job("verify", kind)["data_query"]
        used = [int(each) for each in query.partition("exposure IN (")[2].rstrip(")").split(",")]
        assert used == [each["id"] for each in daily.exposures(kind)]
        assert len(used) == number


@pytest.mark.parametrize("kind", KINDS)
def test_every_type_passes_completely_and_without_a_failed_test(daily: Any, kind: str) -> None:
    verdict = daily.summary["verification"][kind]
    assert (verdict["passed"], verdict["complete"], verdict["failures"]) == (True, True, {})
    exposures = daily.exposures(kind)
    assert verdict["thresholds"]["MAX_FAILED_EXPOSURES_THRESHOLD"] == (len(exposures) + 1) // 2 + 1
    for _, tests in daily.tests(kind):
        assert set(tests["AMP"]) == set(AMPLIFIERS)
        assert all(all(results.values()) for results in tests["AMP"].values())


def test_every_amplifier_of_every_pair_has_a_gain(daily: Any, gains: Any) -> None:
    assert len(daily.summary["gains"]) == 160
    flats = [each["id"] for each in daily.exposures("FLAT")]
    pairs = [list(pair) for pair in zip(flats[::2], flats[1::2], strict=True)]
    for name in AMPLIFIERS:
        assert [each["exposures"] for each in gains[name]] == pairs


@pytest.mark.parametrize("name", AMPLIFIERS)
def test_the_gains_are_true(daily: Any, gains: Any, name: str) -> None:
    truth = daily.truth[name]["gain"]
    ratios = [each["gain_corrected"] / truth for each in gains[name]]
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.01)
    assert ratios == pytest.approx([1.0] * 10, abs=0.05)


def test_a_gain_as_measured_is_higher_by_the_brighter_fatter_effect(daily: Any, gains: Any) -> None:
    ratios = [each["gain"] / daily.truth[name]["gain"] for name in AMPLIFIERS for each in gains[name]]
    assert np.mean(ratios) == pytest.approx(1.041, abs=0.01)


@pytest.mark.parametrize("name", AMPLIFIERS)
def test_the_read_noise_is_true(daily: Any, gains: Any, name: str) -> None:
    noise = np.mean([each["noise"] for each in gains[name]])
    assert noise == pytest.approx(daily.truth[name]["read_noise"], rel=0.03)


def flat_pixels(path: str, segment: str) -> np.ndarray[Any, Any]:
    """Imaging area without its bias level: the median of each row of the serial overscan."""
    with fits.open(path) as hdus:
        image, section = hdus[segment].data.astype(float), hdus[segment].header["DATASEC"]
    (x0, x1), (y0, y1) = (map(int, part.split(":")) for part in section.strip("[]").split(","))
    level = np.median(image[:, x1 + 3 :], axis=1)
    return (image - level[:, None])[y0 - 1 : y1, x0 - 1 : x1]


@pytest.mark.parametrize("name", ["C00", "C05", "C13"])
def test_a_gain_measured_by_hand_from_two_raw_files_agrees(daily: Any, gains: Any, name: str) -> None:
    """Gain = mean / (variance - read noise^2), the variance from the difference of two flats."""
    pair = gains[name][3]
    files = {each["id"]: each["files"][0] for each in daily.summary["exposures"]}
    first, second = (flat_pixels(files[each], f"Segment{name[1:]}") for each in pair["exposures"])
    mean = (np.mean(first) + np.mean(second)) / 2
    difference = first / np.mean(first) * mean - second / np.mean(second) * mean
    sigma = 1.4826 * np.median(np.abs(difference - np.median(difference)))
    variance = np.var(difference[np.abs(difference) < 5 * sigma]) / 2
    truth = daily.truth[name]
    by_hand = mean / (variance - (truth["read_noise"] / truth["gain"]) ** 2)
    assert by_hand == pytest.approx(pair["gain"], rel=0.015)


def test_a_plain_butler_reads_the_statistics_of_the_run(butler: Butler) -> None:
    for kind in KINDS:
        assert butler.get(f"verify{kind.capitalize()}Stats", instrument="LATISS")["SUCCESS"] is True


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_butler_reads_the_statistics_of_a_detector(daily: Any, butler: Butler, kind: str) -> None:
    exposure = daily.exposures(kind)[0]["id"]
    name = f"verify{kind.capitalize()}DetStats"
    found = butler.get(name, instrument="LATISS", detector=0, exposure=exposure)
    assert found["SUCCESS"] is True
    for amplifier in AMPLIFIERS:
        values = found["AMP"][amplifier]
        assert all(math.isfinite(values[key]) for key in ("MEAN", "NOISE"))
    noise = np.array([found["AMP"][amplifier]["NOISE"] for amplifier in AMPLIFIERS])
    if kind != "FLAT":
        truth = [daily.truth[amplifier]["read_noise"] for amplifier in AMPLIFIERS]
        assert noise / truth == pytest.approx(np.full(16, 1.04), abs=0.05)


def test_a_plain_butler_reads_the_gains_of_a_pair_under_either_flat(
    daily: Any, butler: Butler, gains: Any
) -> None:
    pair = gains["C07"][2]
    for exposure in pair["exposures"]:
        found = butler.get("cpPtcExtract", detector=0, exposure=exposure, instrument="LATISS")
        assert found.gain["C07"] == pair["gain"]
        # The noise in the summary is corrected by the curve in use, that of the job linearly.
        assert found.noise["C07"] == pytest.approx(pair["noise"], rel=0.01)


def test_a_plain_butler_reads_the_processed_image(daily: Any, butler: Butler) -> None:
    exposure = daily.exposures("FLAT")[0]["id"]
    image = butler.get("verifyFlatProc", detector=0, exposure=exposure, instrument="LATISS")
    pixels = image.getImage().getArray()
    assert pixels.shape == (1000, 1016)
    q25, q50, q75 = np.percentile(pixels.flatten(), [25, 50, 75])
    assert q50 == pytest.approx(3300 * 5, rel=0.1)  # electron, of the lamp in 5 s
    assert 0.74 * (q75 - q25) == pytest.approx(math.sqrt(q50), rel=0.15)


def test_the_repository_is_known_under_the_name_of_the_observatory(
    daily: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAF_BUTLER_REPOSITORY_INDEX", str(daily.folder / "butler-index.yaml"))
    collection = daily.job("verify", "FLAT")["collection"]
    with Butler.from_config("/repo/LATISS", collections=[collection]) as named:
        assert named.get("verifyFlatStats", instrument="LATISS")["SUCCESS"] is True
    with Butler("/repo/LATISS", collections=["LATISS/calib"]) as named:  # type: ignore[abstract]  # as the page has it
        found = named.get("bias", detector=0, exposure=daily.exposures("BIAS")[0]["id"], instrument="LATISS")
        assert found.getImage().getArray().shape == (1000, 1016)


def test_every_artefact_says_that_it_is_simulated(daily: Any, butler: Butler) -> None:
    assert daily.summary["simulated"] is True
    for path in ("script.log", "report.txt"):
        assert "SIMULATED" in (daily.folder / path).read_text().splitlines()[0]
    logged = [line for line in daily.output.splitlines() if line[:4].isdigit()]
    assert "SIMULATED" in logged[0]  # before it there may be the making of reference calibrations
    for job in daily.summary["jobs"]:
        assert Path(job["log"]).read_text().startswith("SIMULATED")
    assert (daily.folder / "repo" / "SIMULATED.json").is_file()
    for each in daily.summary["exposures"]:
        assert any(
            key.startswith("SIMULAT") and value for key, value in fits.getheader(each["files"][0]).items()
        )
    assert all(
        record.has_simulated for record in butler.query_dimension_records("exposure", instrument="LATISS")
    )
    exposure = daily.exposures("FLAT")[0]["id"]
    for name in ("verifyFlatProc", "cpPtcExtract"):
        found = butler.get(name, detector=0, exposure=exposure, instrument="LATISS")
        assert any(key.startswith("SIMULAT") and value for key, value in found.metadata.items())


def test_the_camera_was_never_idle(daily: Any) -> None:
    timeline = daily.summary["timeline"]
    assert timeline["open"] == 5 * 5 + 2 * 15 + 16 * 30 + 21 * 5
    assert timeline["readout"] == 65 * 2
    assert timeline["floor"] == timeline["open"] + timeline["readout"] + 21
    assert timeline["floor"] <= timeline["acquisition"] <= 1.01 * timeline["floor"]


def test_the_announced_duration_was_honest(daily: Any) -> None:
    config = CalibrationConfig.from_namespace(daily.summary["config"], LATISS)
    assert make_plan(config, LATISS).duration == pytest.approx(daily.summary["timeline"]["total"], rel=0.1)


def test_biases_are_verified_while_darks_are_taken(daily: Any) -> None:
    assert daily.job("verify", "BIAS")["ended"] < 0.2 * daily.summary["timeline"]["acquisition"]
    assert daily.job("verify", "FLAT")["started"] == daily.job("gain", "GAIN")["started"]


def test_every_job_left_its_log(daily: Any) -> None:
    assert len(daily.summary["jobs"]) == 4
    log = (daily.folder / "script.log").read_text()
    for job in daily.summary["jobs"]:
        assert job["log"] == str(daily.folder / "uws" / job["job_id"] / "outs" / "ocps.log")
        text = Path(job["log"]).read_text()
        assert job["data_query"].partition(" AND ")[2] in text
        assert "pipetask ended with exit status 0" in text
        assert job["log"] in log


def test_the_report_tells_verdicts_and_gains(daily: Any) -> None:
    report = (daily.folder / "report.txt").read_text()
    for kind, tests in zip(KINDS, (960, 1056, 340), strict=True):
        assert f"{kind} calibration passed the overall verification criteria" in report
        assert f"0 of {tests} tests failed" in report
    assert "The gains of single pairs, 160, are in summary.json and gains.ecsv." in report


def test_the_journal_tells_the_same_as_the_summary(daily: Any) -> None:
    record = RunRecord()
    for fact in read_journal(daily.folder / "journal.jsonl"):
        record.apply(fact)
    assert list(record.exposures) == [each["id"] for each in daily.summary["exposures"]]
    assert list(record.jobs) == [job["job_id"] for job in daily.summary["jobs"]]
    assert record.ended is not None
    assert record.ended.state == "DONE"
    times = [fact.time for fact in read_journal(daily.folder / "journal.jsonl")]
    assert all(earlier <= later for earlier, later in pairwise(times))


def test_another_exposure_has_another_noise(daily: Any) -> None:
    first, second = (flat_pixels(each["files"][0], "Segment05") for each in daily.exposures("BIAS")[:2])
    correlation = np.corrcoef(first.ravel(), second.ravel())[0, 1]
    assert abs(correlation) < 0.5
    assert np.std(first - second) > 5
