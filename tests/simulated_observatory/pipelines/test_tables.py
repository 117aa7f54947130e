from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.simulated_observatory.pipelines.tables import (
    Crosstalk,
    Defects,
    Linearizer,
    PhotonTransferCurve,
)


@given(st.lists(st.lists(st.booleans(), min_size=7, max_size=7), min_size=1, max_size=6))
def test_boxes_of_defects_cover_exactly_the_mask(rows: list[list[bool]]) -> None:
    mask = np.array(rows)
    defects = Defects.from_mask("RXX_S00", mask)
    np.testing.assert_array_equal(defects.mask, mask)
    assert sum(width * height for *_, width, height in defects.boxes) == mask.sum()


def test_border_is_few_boxes() -> None:
    mask = np.zeros((1000, 1018), bool)
    mask[:5] = mask[-5:] = True
    mask[:, :5] = mask[:, -5:] = True
    assert len(Defects.from_mask("RXX_S00", mask)) == 4


def test_curve_comes_back_from_json_with_its_nans() -> None:
    curve = PhotonTransferCurve(
        detector="RXX_S00",
        gain={"C00": 1.08, "C03": math.nan},
        noise={"C00": 8.9, "C03": math.nan},
        rawMeans={"C00": [15_000.0], "C03": [math.nan]},
        covariances={"C00": [[[14_000.0, 3.0], [2.0, 1.0]]], "C03": [[[math.nan] * 2] * 2]},
        metadata={"GRATING": None},
        inputExpIdPairs={name: [(2025011500001, 2025011500002)] for name in ("C00", "C03")},
    )
    text = json.dumps(curve.to_dict(), allow_nan=False)
    read = PhotonTransferCurve.from_dict(json.loads(text))
    assert read.gain["C00"] == 1.08
    assert math.isnan(read.gain["C03"])
    assert math.isnan(read.rawMeans["C03"][0])
    assert read.covariances["C00"] == curve.covariances["C00"]
    assert np.isnan(read.covariances["C03"]).all()
    assert read.metadata == {"GRATING": None}
    assert read.pairs == [(2025011500001, 2025011500002)]
    assert read.ampNames == ["C00", "C03"]


def test_one_kind_of_calibration_is_not_taken_for_another() -> None:
    crosstalk = Crosstalk("RXX_S00", ["C00"], [[0.0]])
    with pytest.raises(ValueError, match="'Crosstalk' and not 'Linearizer'"):
        Linearizer.from_dict(crosstalk.to_dict())
