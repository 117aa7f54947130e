"""Gains from single pairs of flats are corrected for the brighter-fatter effect of their CCDs."""

from __future__ import annotations

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


def test_faint_pairs_need_no_correction() -> None:
    assert LATISS.corrected_gain(0, 1.08, 0.0) == 1.08
