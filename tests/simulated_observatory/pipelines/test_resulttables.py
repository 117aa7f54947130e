"""Tables of verification: the layout of cp_verify's ``verify<X>Results``."""

from typing import Any

import numpy as np

from lsst.ts.simulated_observatory.pipelines.resulttables import merged_results, result_rows, results_table

STORED: dict[str, Any] = {
    "AMP": {"C00": {"MEAN": 1.0, "NOISE": 9.0}},
    "DET": {"SCATTER": 2.0},
    "METADATA": {"READ_NOISE_ADU": {"C00": 8.0}},
    "VERIFY": {"AMP": {"C00": {"NOISE": True, "SUCCESS": True}}, "DET": {"SCATTER": False}},
}


def test_there_is_a_row_for_each_amplifier_and_for_the_detector() -> None:
    of_amplifier, of_detector = result_rows("BIAS", {"instrument": "LATISS"}, STORED)
    assert of_amplifier == {
        "instrument": "LATISS",
        "amplifier": "C00",
        "BIAS_MEAN": 1.0,
        "BIAS_NOISE": 9.0,
        "BIAS_VERIFY_NOISE": True,
        "BIAS_VERIFY_SUCCESS": True,
        "BIAS_READ_NOISE_ADU": 8.0,
    }
    assert (of_detector["amplifier"], of_detector["BIAS_VERIFY_DET_SCATTER"]) == ("", False)


def test_exposures_are_merged_in_their_order_and_what_a_row_does_not_have_is_masked() -> None:
    tables = [results_table("BIAS", [{"exposure": number, "detector": 0}], [STORED]) for number in (7, 5)]
    merged = merged_results(tables)
    assert list(merged["exposure"]) == [5, 5, 7, 7]
    assert list(merged["amplifier"]) == ["C00", "", "C00", ""]
    assert list(np.ma.getmaskarray(merged["BIAS_NOISE"])) == [False, True, False, True]
    assert list(np.ma.getmaskarray(merged["BIAS_VERIFY_DET_SCATTER"])) == [True, False, True, False]
