from __future__ import annotations

import copy
import math

from lsst.ts.simulated_observatory.pipelines.merging import exp_merge, run_merge


def amplifier(**tests: bool) -> dict[str, bool]:
    return {**tests, "SUCCESS": all(good for name, good in tests.items() if name != "READ_NOISE_CONSISTENT")}


def statistics(amplifiers: dict[str, dict[str, bool]], **detector: bool) -> dict[str, object]:
    success = all(each["SUCCESS"] for each in amplifiers.values()) and all(detector.values())
    tests = {**detector, "SUCCESS": all(detector.values())} if detector else {}
    return {
        "DET": {"MEAN": 15_000.0, "SCATTER": 3.0} if detector else {},
        "VERIFY": {"AMP": amplifiers, "DET": tests},
        "SUCCESS": success,
    }


GOOD = amplifier(MEAN=True, NOISE=True, CR_NOISE=True, READ_NOISE_CONSISTENT=True)
NOISY = amplifier(MEAN=True, NOISE=False, CR_NOISE=False, READ_NOISE_CONSISTENT=False)
INCONSISTENT = amplifier(MEAN=True, NOISE=True, CR_NOISE=True, READ_NOISE_CONSISTENT=False)


def test_failures_are_named_by_amplifier_and_test() -> None:
    merged = exp_merge({"RXX_S00": statistics({"C00": NOISY, "C01": GOOD, "C02": INCONSISTENT})})
    assert merged == {
        "RXX_S00": {"SUCCESS": False, "FAILURES": ["C00 NOISE", "C00 CR_NOISE", "C00 READ_NOISE_CONSISTENT"]},
        "SUCCESS": False,
    }


def test_exposure_that_passes_has_no_failures() -> None:
    merged = exp_merge({"RXX_S00": statistics({"C00": GOOD, "C01": INCONSISTENT})})
    assert merged == {"RXX_S00": {"SUCCESS": True}, "SUCCESS": True}


def test_flats_keep_their_failures_in_the_run() -> None:
    dark = amplifier(NOISE=False)
    flat = exp_merge({"RXX_S00": statistics({"C03": dark}, SCATTER=False)}, scatter=True)
    assert flat["VERIFY"] == {"EXP": {"SCATTER": True}}
    run = run_merge({2025011500001: flat})
    assert run == {
        2025011500001: {"SUCCESS": False, "FAILURES": ["RXX_S00 SCATTER", "RXX_S00 C03 NOISE"]},
        "SUCCESS": False,
    }


def test_scatter_of_the_detectors_is_a_failure_of_the_exposure() -> None:
    bright = statistics({"C00": amplifier(NOISE=True)}, SCATTER=True)
    faint = copy.deepcopy(bright)
    faint["DET"] = {"MEAN": 14_000.0, "SCATTER": 3.0}
    merged = exp_merge({"R22_S00": bright, "R22_S01": faint}, scatter=True)
    assert merged["EXP"] == {"SCATTER": 500.0}
    assert run_merge({1: merged}) == {1: {"SUCCESS": False, "FAILURES": ["SCATTER"]}, "SUCCESS": False}


def test_scatter_that_is_not_finite_fails() -> None:
    broken = statistics({"C00": amplifier(NOISE=True)}, SCATTER=True)
    broken["DET"] = {"MEAN": math.nan, "SCATTER": math.nan}
    assert exp_merge({"RXX_S00": broken}, scatter=True)["SUCCESS"] is False


def test_inputs_are_not_changed() -> None:
    exposure = exp_merge({"RXX_S00": statistics({"C00": NOISY})})
    before = copy.deepcopy(exposure)
    run_merge({5: exposure, 3: exposure})
    assert exposure == before


def test_exposures_are_in_order_with_integer_ids() -> None:
    passed = exp_merge({"RXX_S00": statistics({"C00": GOOD})})
    run = run_merge({7: passed, 2: passed})
    assert list(run) == [2, 7, "SUCCESS"]
    assert run["SUCCESS"] is True


def test_one_detector_does_not_scatter() -> None:
    flat = statistics({"C00": amplifier(NOISE=True)}, SCATTER=True)
    flat["DET"] = {"MEAN": 15_000.0, "SCATTER": 3.0}
    merged = exp_merge({"RXX_S00": flat}, scatter=True)
    assert (merged["EXP"], merged["SUCCESS"]) == ({"SCATTER": 0.0}, True)
    other = copy.deepcopy(flat)
    other["DET"] = {"MEAN": 15_001.0, "SCATTER": 3.0}
    merged = exp_merge({"R22_S00": flat, "R22_S01": other}, scatter=True)
    assert (merged["EXP"], merged["SUCCESS"]) == ({"SCATTER": 0.5}, False)
    assert exp_merge({}, scatter=True)["SUCCESS"] is False
