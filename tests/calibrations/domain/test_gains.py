"""Gains from single pairs of flats are corrected for the brighter-fatter effect of their CCDs."""

from __future__ import annotations

import math

import pytest

from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCAM


def test_gain_from_a_pair_at_15_kadu_is_lowered_by_four_per_cent() -> None:
    assert LATISS.corrected_gain(0, 1.125, 15_000.0) == pytest.approx(1.125 * (1 - 0.0405))


def test_the_rafts_of_e2v_have_a_slope_of_their_own() -> None:
    slopes = {
        name: LSSTCAM.corrected_gain(number, 1.0, 15_000.0) for number, name in LSSTCAM.detectors.items()
    }
    by_e2v = {name[:3] for name, gain in slopes.items() if gain == pytest.approx(1 - 0.069)}
    by_itl = {name[:3] for name, gain in slopes.items() if gain == pytest.approx(1 - 0.0405)}
    assert by_itl == {"R01", "R02", "R03", "R10", "R20", "R41", "R42", "R43"}
    assert len(by_e2v) == 13
    assert not by_e2v & by_itl


@pytest.mark.parametrize("mean", [300.0, 15_000.0, 61_000.0, 107_000.0])
def test_curve_corrects_at_all_levels_what_equation_16_does(mean: float) -> None:
    gain, a00 = 1.08, -2.5e-6
    x = 2.0 * a00 * gain * mean
    measured = gain * x / math.expm1(x)
    assert LATISS.corrected_gain(0, measured, mean, a00) == pytest.approx(gain, rel=1e-9)


def test_linear_correction_ends_where_it_is_wrong_and_so_does_one_without_solution() -> None:
    assert LATISS.corrected_gain(0, 1.1, 40_000.0) == pytest.approx(1.1 * 0.892)
    assert math.isnan(LATISS.corrected_gain(0, 1.1, 40_001.0))
    assert math.isnan(LATISS.corrected_gain(0, 1.1, 61_000.0, math.nan))
    assert math.isnan(LATISS.corrected_gain(0, 1.1, 61_000.0, 1e-3))
    assert math.isnan(LATISS.corrected_gain(0, math.nan, 15_000.0, -2.5e-6))
    assert math.isnan(LATISS.corrected_gain(0, 1.1, math.nan))


def test_faint_pairs_need_no_correction() -> None:
    assert LATISS.corrected_gain(0, 1.08, 0.0) == 1.08
