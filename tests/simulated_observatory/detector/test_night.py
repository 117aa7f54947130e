"""What differs from night to night and from exposure to exposure."""

from __future__ import annotations

import numpy as np
import pytest

from lsst.ts.simulated_observatory.detector import night

NIGHTS = [night.draw_night(1, "LATISS", 0, 16, 20250101 + day) for day in range(28)]


def test_a_night_is_always_the_same_and_its_lamp_common_to_all_detectors() -> None:
    assert night.draw_night(1, "LATISS", 0, 16, 20250101) == NIGHTS[0] != NIGHTS[1]
    first, second = (night.draw_night(1, "LSSTComCam", detector, 16, 20250101) for detector in (0, 1))
    assert first.lamp == second.lamp
    assert first.gains != second.gains


@pytest.mark.parametrize(
    ("name", "most"),
    [("gains", night.GAIN_DRIFT), ("noise", night.NOISE_DRIFT), ("lamp", night.LAMP_DRIFT)],
)
def test_factors_stay_within_their_drift_and_use_it(name: str, most: float) -> None:
    changes = np.array([getattr(each, name) for each in NIGHTS]) - 1.0
    assert 0.8 * most < np.abs(changes).max() <= most
    assert np.std(changes) == pytest.approx(most / np.sqrt(3), rel=0.25)


def test_bias_levels_drift_by_their_rms() -> None:
    assert np.std([each.pedestals for each in NIGHTS]) == pytest.approx(night.PEDESTAL_DRIFT, rel=0.1)


def test_the_shape_of_the_light_differs_by_night_and_little_within_a_pair() -> None:
    def shape(day: int, number: int) -> np.ndarray:
        return np.array(night.lamp_shape(1, "LATISS", (20250101 + day) * 100_000 + number))

    sizes = [np.hypot(*shape(day, 1)) for day in range(28)]
    assert 0.8 * night.SHAPE_DRIFT < max(sizes) <= night.SHAPE_DRIFT
    pairs = [np.hypot(*(shape(day, n + 1) - shape(day, n))) for day in range(28) for n in (1, 57)]
    assert 0 < max(pairs) < 1e-4
    assert np.hypot(*(shape(0, 1) - shape(0, 101))) == pytest.approx(2 * sizes[0])  # half a turn


def test_the_first_rows_have_an_excess_after_idling() -> None:
    long, short = night.idle_transient(1e5, 2048), night.idle_transient(3.0, 2048)
    assert long[0] == pytest.approx(night.IDLE_LEVEL)
    assert long[51] == pytest.approx(night.IDLE_LEVEL / np.e, rel=0.01)
    assert short.max() < 0.05
    assert night.idle_transient(0.0, 2048).max() == 0.0
