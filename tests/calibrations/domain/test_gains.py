from __future__ import annotations

import pytest

from lsst.ts.calibrations.domain.gains import corrected_gain


def test_gain_from_a_pair_at_15_kadu_is_lowered_by_four_per_cent() -> None:
    assert corrected_gain(1.125, 15_000.0, "ITL") == pytest.approx(1.125 * (1 - 0.0405))
    assert corrected_gain(1.125, 15_000.0, "e2v") == pytest.approx(1.125 * (1 - 0.069))


def test_faint_pairs_need_no_correction() -> None:
    assert corrected_gain(1.08, 0.0, "ITL") == 1.08


def test_unknown_manufacturer_is_refused() -> None:
    with pytest.raises(ValueError, match="known: ITL, E2V"):
        corrected_gain(1.08, 15_000.0, "Kodak")
