"""Faults of the detector: what they do to the pixels."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lsst.ts.simulated_observatory.cameras.models import DetectorModel
from lsst.ts.simulated_observatory.detector.faults import active_faults
from lsst.ts.simulated_observatory.detector.truth import DetectorTruth
from lsst.ts.simulated_observatory.faults.faults import Faults


def test_column_must_exist_at_the_scale(model: DetectorModel) -> None:
    with pytest.raises(ValueError, match=f"beyond the last column .* {model.width - 1}"):
        active_faults(Faults(["hot-column:column=4071"]).detector, model)


def test_fault_of_another_detector_does_nothing(take: Callable[..., np.ndarray]) -> None:
    np.testing.assert_array_equal(take(1), take(1, faults=("light-leak:rate=5,detector=7",)))


def test_noise_fault_multiplies_the_noise_of_one_amplifier_everywhere(
    take: Callable[..., np.ndarray], model: DetectorModel
) -> None:
    healthy, noisy = (
        take(1) - take(2),
        take(1, faults=("amplifier-noise:amplifier=C05,factor=1.5",)) - take(2),
    )
    ratio = noisy.std(axis=(1, 2)) / healthy.std(axis=(1, 2))
    names = [amplifier.name for amplifier in model.amplifiers]
    assert ratio[names.index("C05")] == pytest.approx(np.sqrt((1 + 1.5**2) / 2), rel=0.02)
    assert np.delete(ratio, names.index("C05")) == pytest.approx(1.0)


def test_dead_amplifier_shows_bias_and_read_noise_in_a_flat(
    take_electrons: Callable[..., np.ndarray], model: DetectorModel, truth: DetectorTruth
) -> None:
    flat = take_electrons(1, 5.0, True, faults=("amplifier-dead:amplifier=C03",))
    dead = [amplifier.name for amplifier in model.amplifiers].index("C03")
    noise = flat[dead] - take_electrons(2)[dead]
    # What is left is the crosstalk of its neighbours, some electrons.
    assert 0 < noise.mean() < 10
    assert noise.std() / np.sqrt(2) == pytest.approx(1.02 * truth.amplifiers[dead].read_noise, rel=0.05)
    assert np.delete(flat, dead, axis=0).mean() > 10_000


def test_light_leak_fills_a_dark(take_electrons: Callable[..., np.ndarray]) -> None:
    leak = take_electrons(1, 30.0, faults=("light-leak:rate=5",)) - take_electrons(1, 30.0)
    assert np.median(leak) == pytest.approx(5 * 31.0, rel=0.02)


def test_stuck_shutter_leaves_a_flat_dark(take_electrons: Callable[..., np.ndarray]) -> None:
    assert abs(np.median(take_electrons(1, 5.0, True, faults=("shutter-stuck",)))) < 5


def test_hot_column_runs_through_both_halves_of_the_detector(
    take_electrons: Callable[..., np.ndarray], assemble: Callable[[np.ndarray], np.ndarray]
) -> None:
    excess = assemble(take_electrons(1, 10.0, faults=("hot-column:column=100",)) - take_electrons(2, 10.0))
    profile = np.median(excess, axis=0)
    assert profile[100] == pytest.approx(50 * 11.0, rel=0.1)
    assert np.abs(np.delete(profile, 100)).max() < 10
    assert excess[:, 100].min() > 300
