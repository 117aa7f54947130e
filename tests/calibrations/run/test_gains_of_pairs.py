"""Gains from pairs of flats: which flats are paired, and what becomes of the gains."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import pytest

from lsst.ts.calibrations.domain.errors import ArchiveError
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, ImageType
from lsst.ts.calibrations.journal.facts import (
    GainsMeasured,
    JobEnded,
    VerdictGiven,
)
from lsst.ts.calibrations.run.processing import Processing
from lsst.ts.simulated_observatory import clock

from .doubles import (
    EXPOSURES,
    MakeRun,
    ScriptedArchive,
    taken,
)


def test_types_are_processed_at_the_same_time_and_gains_beside_the_verification(make_run: MakeRun) -> None:
    case = make_run()
    case.hand_over(ImageType.BIAS, ImageType.DARK, ImageType.FLAT)
    assert [(request.kind, request.calibration) for request in case.ocps.requests] == [
        ("verify", "BIAS"), ("verify", "DARK"), ("verify", "FLAT"), ("gain", "GAIN"),
    ]  # fmt: skip
    assert {fact.time for fact in case.of(JobEnded)} == {clock.START_TAI + 60}


def test_each_pair_of_equal_flats_gives_the_gains_of_all_amplifiers(make_run: MakeRun, caplog: Any) -> None:
    case = make_run(config_options_ptc="-c isr:doCrosstalk=False", input_collections_ptc="u/ptc")
    with caplog.at_level(logging.INFO):
        case.hand_over(ImageType.FLAT, times=(5, 7, 7, 5))
    request = case.ocps.requests[1]
    assert request.pipeline.endswith("/cpPtc.yaml#generateGainFromFlatPair")
    assert "-i u/ptc " in request.config
    assert request.config.endswith("-c isr:doCrosstalk=False")
    gains = case.of(GainsMeasured)[0].gains
    pairs = [(EXPOSURES[0], EXPOSURES[3]), (EXPOSURES[1], EXPOSURES[2])]
    assert [(tuple(each["exposures"]), each["amplifier"]) for each in gains] == [
        (pair, name) for pair in pairs for name in AMPLIFIERS
    ]
    first = gains[0]
    assert first["gain"] == 1.1
    assert first["gain_corrected"] == pytest.approx(1.1 * (1 - 0.00027e-2 * 15_000))
    assert set(first) == {"exposures", "detector", "amplifier", "gain", "gain_corrected", "noise", "reason"}
    assert first["reason"] is None
    assert "1.1000" in caplog.text


def test_only_paired_flats_are_sent_to_the_gain_job(make_run: MakeRun) -> None:
    case = make_run(n_flat=4, exp_times_flat=5)
    case.hand_over(ImageType.FLAT, times=(5, 5, 7, 9))
    assert case.ocps.requests[1].data_query.endswith(f"exposure IN ({EXPOSURES[0]}, {EXPOSURES[1]})")


def test_flats_without_any_pair_give_a_warning_and_no_job(make_run: MakeRun, caplog: Any) -> None:
    case = make_run()
    with caplog.at_level(logging.WARNING):
        case.hand_over(ImageType.FLAT, times=(1, 2, 3, 4))
    assert [request.kind for request in case.ocps.requests] == ["verify"]
    assert "no gain is measured" in caplog.text
    assert case.not_done == {}


def test_an_amplifier_without_light_has_no_gain(make_run: MakeRun) -> None:
    case = make_run(archive=ScriptedArchive(gains={"C03": math.nan}))
    case.hand_over(ImageType.FLAT)
    gains = case.of(GainsMeasured)[0].gains
    assert {each["amplifier"] for each in gains if math.isnan(each["gain_corrected"])} == {"C03"}
    assert {each["amplifier"] for each in gains if each["reason"]} == {"C03"}
    assert "none" in (case.context.settings.folder / "report.txt").read_text()


def test_gains_are_corrected_by_the_curve_in_use_up_to_its_turnoff(make_run: MakeRun) -> None:
    archive = ScriptedArchive()
    archive.mean = 60_000.0
    archive.known_curves = {(0, "C00"): (-2.5e-6, 90_000.0), (0, "C01"): (-2.5e-6, 55_000.0)}
    case = make_run(archive=archive)
    case.hand_over(ImageType.FLAT)
    gains = {each["amplifier"]: each for each in case.of(GainsMeasured)[0].gains}
    corrected = gains["C00"]["gain_corrected"]
    x = 2 * -2.5e-6 * corrected * 60_000.0
    assert corrected * x / math.expm1(x) == pytest.approx(1.1)
    assert gains["C00"]["reason"] is None
    assert gains["C01"]["reason"] == "brighter than the turnoff of the ptc in use, 55000 adu"
    assert "no correction" in gains["C02"]["reason"]
    assert all(math.isnan(gains[name]["gain_corrected"]) for name in ("C01", "C02"))
    assert gains["C02"]["gain"] == 1.1


def test_gains_that_the_butler_does_not_have_are_not_done(make_run: MakeRun) -> None:
    case = make_run(archive=ScriptedArchive(gains=ArchiveError("no gain in u/ocps/job2")))
    case.hand_over(ImageType.FLAT)
    assert case.not_done == {"gains from flat pairs": "no gain in u/ocps/job2"}
    assert [fact.calibration for fact in case.of(VerdictGiven)] == ["FLAT"]


def test_flats_of_nearly_equal_times_are_expected_in_the_pairs_that_the_pipeline_makes(
    make_run: MakeRun,
) -> None:
    case = make_run()
    case.hand_over(ImageType.FLAT, times=(5.0, 5.003, 5.0, 5.003))
    pairs = {tuple(each["exposures"]) for each in case.of(GainsMeasured)[0].gains}
    assert pairs == {(EXPOSURES[0], EXPOSURES[1]), (EXPOSURES[2], EXPOSURES[3])}


def test_a_flat_that_was_taken_again_is_paired_by_its_id(make_run: MakeRun) -> None:
    case = make_run()
    places = (EXPOSURES[0], EXPOSURES[3], EXPOSURES[1], EXPOSURES[2])  # the second was lost, and taken last
    for number, seconds in zip(places, (5.0, 7.0, 5.0, 7.0), strict=True):
        case.context.note(taken(number, ImageType.FLAT, seconds))
    case.run(lambda processing: _flats(processing, places))
    pairs = {tuple(each["exposures"]) for each in case.of(GainsMeasured)[0].gains}
    assert pairs == {(EXPOSURES[0], EXPOSURES[1]), (EXPOSURES[2], EXPOSURES[3])}


async def _flats(processing: Processing, exposures: Sequence[int]) -> None:
    processing.hand_over(ImageType.FLAT, exposures)
