"""Input collections and gains, in evidence that is made by hand."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lsst.ts.simulated_observatory.campaign.datasets import Certificate, validity_range
from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState

from .by_hand import FIRST, JOB, HandMade


class TestInputs:
    RUN = f"u/ocps/{'b' * 32}/run"

    @pytest.fixture(autouse=True)
    def _with_an_accepted_bias(self, made: HandMade) -> None:
        names = ("bias", "verify_bias", "dark")
        config = {f"input_collections_{name}": "LATISS/calib" for name in names}
        made.options |= {"script_mode": "BIAS_DARK", "calib_collection": "daily"}
        made.note("RunConfigured", config=config)
        made.datasets.certify(
            Certificate("bias", 0, self.RUN, validity_range("2025-01-01", "2025-06-01"), "daily")
        )

    @pytest.mark.parametrize(
        ("inputs", "good"),
        [(f"{RUN},daily,LATISS/calib", True), ("LATISS/calib", False), (f"LATISS/calib,{RUN}", False)],
    )
    def test_a_dark_is_made_with_the_bias_that_was_accepted(
        self, made: HandMade, inputs: str, good: bool
    ) -> None:
        made.options |= {"generate_calibrations": True}
        query = "detector IN (0) AND exposure IN (1)"
        made.submit(10.0, "b" * 32, pipeline="cpBias.yaml", inputs="LATISS/calib", query=query, number=8)
        made.submit(20.0, "d" * 32, pipeline="cpDark.yaml", inputs=inputs, query=query)
        wanted = f"{self.RUN}, daily, LATISS/calib"
        words = [f"the job generate DARK reads {inputs.replace(',', ', ')}, and is to read {wanted}"]
        assert made.violations("jobs-read-their-own") == ([] if good else words)

    @pytest.mark.parametrize("detectors", [[0], [0, 1]])
    @pytest.mark.parametrize("inputs", ["LATISS/calib", "LATISS/other"])
    def test_what_is_configured_is_verified_against(
        self, made: HandMade, inputs: str, detectors: list[int]
    ) -> None:
        numbers = ", ".join(map(str, detectors))
        made.submit(10.0, inputs=inputs, query=f"detector IN ({numbers}) AND exposure IN (1)")
        words = ["the job verify BIAS is of the detectors [0, 1]"] if len(detectors) > 1 else []
        if inputs != "LATISS/calib":
            words.append(f"the job verify BIAS reads {inputs}, and is to read LATISS/calib")
        assert made.violations("jobs-read-their-own") == words


GAIN = {"gain": {"C00": 1.1}, "noise": {"C00": 7.0}, "rawMeans": {"C00": [10_000.0]}}
FILED = {"amplifier": "C00", "gain": 1.1, "noise": 7.0, "gain_corrected": 1.1 * (1.0 - 0.027)}


class TestGains:
    @pytest.mark.parametrize(
        ("filed", "words"),
        [
            ([FILED], []),
            ([FILED | {"gain": 1.0}], ["has other gains than the repository, the first of"]),
            ([FILED | {"gain_corrected": 1.1}], ["has other gains than the repository, the first of"]),
            ([FILED | {"amplifier": "C01"}], ["has 1 gains, and not those of the 1 that there are"]),
            ([], ["has 0 gains, and not those of the 1 that there are"]),
        ],
        ids=["true", "other gain", "not corrected", "other amplifier", "none"],
    )
    def test_they_are_those_of_the_repository(
        self, made: HandMade, filed: list[dict[str, Any]], words: list[str]
    ) -> None:
        self._measure(made, filed)
        made.datasets.results["cpPtcExtract"] = {(FIRST, 0): GAIN, (FIRST + 1, 0): GAIN}
        found = made.violations("gains-are-true")
        assert len(found) == 2 * len(words)  # of journal and summary
        assert all(each in text for each in words for text in found)

    @pytest.mark.parametrize(
        ("curve", "corrected", "violations"),
        [
            ((-2.5e-6, 90_000.0), 1.0710645506414, 0),  # the root
            ((-2.5e-6, 90_000.0), 1.1 * (1.0 - 0.027), 2),
            ((-2.5e-6, 9_000.0), math.nan, 0),
            ((-2.5e-6, 9_000.0), 1.0710645506414, 2),
        ],
        ids=["of the curve", "of the slope", "beyond the turnoff", "although beyond the turnoff"],
    )
    def test_the_correction_is_that_of_the_curve_in_use(
        self, made: HandMade, curve: tuple[float, float], corrected: float, violations: int
    ) -> None:
        self._measure(made, [FILED | {"gain_corrected": corrected, "noise": 6.0 * corrected}])
        made.datasets.curve["C00"] = curve
        measured = GAIN | {"overscanNoise": {"C00": [6.0]}}
        made.datasets.results["cpPtcExtract"] = {(FIRST, 0): measured}
        assert len(made.violations("gains-are-true")) == violations

    def _measure(self, made: HandMade, filed: list[dict[str, Any]]) -> None:
        """Gains of two flats are measured, and these are filed."""
        made.options |= {"script_mode": "FLAT", "n_flat": 2, "exp_times_flat": 5}
        for number in (1, 2):
            made.take(10.0 * number, number, kind="FLAT")
        made.submit(40.0, JOB, pipeline="cpPtc.yaml#generateGainFromFlatPairs")
        made.send(50.0, "OCPS", "evt_job_result", job_id=JOB, exit_code=0)
        gains = [{"exposures": [FIRST, FIRST + 1], "detector": 0, **each} for each in filed]
        made.note("GainsMeasured", gains=gains)
        made.summary = {"gains": gains}
        made.state(60.0, ScriptState.DONE)
