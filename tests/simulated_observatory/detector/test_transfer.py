"""Full wells, bleeding and deferred charge."""

from __future__ import annotations

import numpy as np
import pytest

from lsst.ts.simulated_observatory.detector.transfer import KNEE, bleed, defer_charge, roll_off

FULL = 1e5


def test_roll_off_begins_at_the_knee_and_ends_at_the_full_well() -> None:
    charge = np.array([0.0, 0.5, KNEE, 0.98, 1.0, 1.03, 1.5], np.float32) * np.float32(FULL)
    held = roll_off(charge, FULL)
    np.testing.assert_allclose(held[:3], charge[:3])
    # k + (w - k) (1 - exp(-(q - k) / (w - k))) with w - k = 3000
    np.testing.assert_allclose(held[3:6], [97850.4, 98896.4, 99594.0], rtol=1e-5)
    assert held[6] == pytest.approx(FULL)


def test_a_spot_bleeds_to_both_sides_of_its_column_alone_and_loses_nothing() -> None:
    charge = np.full((60, 5), 1e4, np.float32)
    charge[30, 2] = 1e6
    bled = bleed(charge, FULL, 10)
    assert bled.shape == (70, 5)
    assert bled.sum() == pytest.approx(charge.sum(), rel=1e-6)
    np.testing.assert_array_equal(np.delete(bled[:60], 2, axis=1), np.delete(charge, 2, axis=1))
    # 450 000 electron on each side, 90 000 in each pixel
    np.testing.assert_allclose(bled[26:35, 2], FULL, rtol=1e-5)
    assert bled[24, 2] == bled[36, 2] == 1e4
    assert bled.max() <= FULL


def test_what_passes_the_last_row_is_in_the_overscan_and_what_passes_the_first_is_gone() -> None:
    charge = np.zeros((40, 2), np.float32)
    charge[38, 0] = charge[1, 1] = 9.3e5
    bled = bleed(charge, FULL, 12)
    assert bled[40:, 0].sum() == pytest.approx(4.15e5 - 1e5, rel=0.02)
    np.testing.assert_allclose(bled[40:43, 0], FULL, rtol=1e-5)
    assert bled[:, 1].sum() < 0.7 * 9.3e5
    assert bled[40:, 1].sum() == 0.0


def test_a_flat_near_its_full_well_loses_variance_before_it_loses_light() -> None:
    rng = np.random.default_rng(1)
    ratios = []
    for level in (0.95, 0.98):
        charge = rng.normal(level * FULL, 300.0, (400, 100)).astype(np.float32)
        bled = bleed(charge, FULL, 10)[50:350]
        ratios.append((bled.mean() / charge.mean(), bled.var() / charge.var()))
    assert ratios[0] == (pytest.approx(1.0, abs=1e-4), pytest.approx(1.0, abs=0.03))
    assert ratios[1][0] == pytest.approx(1.0, abs=1e-3)
    assert ratios[1][1] < 0.9


def test_deferred_charge_grows_with_the_transfers_and_comes_with_the_next_pixel() -> None:
    charge = np.zeros((3, 100), np.float32)
    charge[0, 0] = charge[1, 50] = charge[2, 99] = 1e5
    deferred = defer_charge(charge, 1e-5, transfers=4)
    assert deferred.shape == (3, 101)
    for row, column in ((0, 0), (1, 50), (2, 99)):
        assert deferred[row, column + 1] == pytest.approx(4 + column, rel=1e-4)
    assert deferred.sum() == pytest.approx(3e5)
