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


def test_light_leaks_only_into_the_images_that_are_named(
    take: Callable[..., np.ndarray],
) -> None:
    leak = ("light-leak-in:images=3-6,rate=5",)
    changed = [
        image
        for image in range(9)
        if not np.array_equal(take(1, 9.0, image=image), take(1, 9.0, image=image, faults=leak))
    ]
    assert changed == [3, 4, 5, 6]


def test_shut_shutter_and_dim_lamp_are_those_of_one_image(take_electrons: Callable[..., np.ndarray]) -> None:
    faults = ("shutter-shut:image=7", "lamp-dim:images=8,factor=0.5")
    levels = [np.median(take_electrons(i, 5.0, True, image=i, faults=faults)) for i in (6, 7, 8)]
    assert levels[1] == pytest.approx(0.0, abs=5.0)
    assert levels[2] / levels[0] == pytest.approx(0.5, abs=2e-3)


def test_a_lamp_that_flickers_has_the_rms_that_was_asked_for(
    take_electrons: Callable[..., np.ndarray],
) -> None:
    faults = ("lamp-flicker:rms=0.05",)
    levels = [np.median(take_electrons(i, 1.0, True, faults=faults)[:4]) for i in range(40)]
    assert np.std(levels) / np.mean(levels) == pytest.approx(0.05, rel=0.4)


def test_a_gradient_that_turns_leaves_the_mean_and_changes_the_ratio_of_two_flats(
    take_electrons: Callable[..., np.ndarray], assemble: Callable[[np.ndarray], np.ndarray]
) -> None:
    first, second = (
        assemble(take_electrons(i, 20.0, True, faults=("lamp-gradient:change=0.05",))) for i in (1, 2)
    )
    ratio = first / second
    assert np.median(ratio) == pytest.approx(1.0, abs=1e-3)
    corners = [np.median(ratio[y, x]) for y in (np.s_[:50], np.s_[-50:]) for x in (np.s_[:50], np.s_[-50:])]
    assert 0.01 < np.ptp(corners) < 0.15


@pytest.mark.parametrize(
    ("fault", "light", "factor", "added"),
    [
        ("gain-drift:amplifier=C05,change=0.02", True, 1 / 1.02, 0.0),
        ("amplifier-glow:amplifier=C05,rate=20", False, 1.0, 20 * 31.0),
    ],
)
def test_faults_of_one_amplifier_leave_the_others_alone(
    take_electrons: Callable[..., np.ndarray], fault: str, light: bool, factor: float, added: float
) -> None:
    healthy, faulty = (
        np.median(take_electrons(1, 30.0, light, faults=faults), axis=(1, 2)) for faults in ((), (fault,))
    )
    assert faulty[5] == pytest.approx(factor * healthy[5] + added, rel=3e-3)
    np.testing.assert_allclose(np.delete(faulty, 5), np.delete(healthy, 5), atol=3.0)


def test_an_amplifier_is_full_below_the_level_that_is_flagged_and_its_parallel_overscan_too(
    take: Callable[..., np.ndarray], model: DetectorModel, truth: DetectorTruth
) -> None:
    rows, columns = model.amplifiers[5].imaging
    image = take(1, 30.0, True, faults=("full-well:amplifier=C05,factor=0.5",))[5].astype(float)
    image -= np.median(image[rows, columns.stop + 3 :])
    full = 0.5 * truth.amplifiers[5].full_well / truth.amplifiers[5].gain
    assert np.median(image[rows, columns]) == pytest.approx(full, rel=2e-3)
    assert np.median(image[rows.stop :, columns]) == pytest.approx(full, rel=2e-3)
    assert full < 0.6 * model.amplifiers[5].sensor.saturation


def test_converters_that_end_early_clip_at_their_last_value(take: Callable[..., np.ndarray]) -> None:
    assert take(1, 35.0, True, faults=("adc-range:bits=16",)).max() == 2**16 - 1 < take(1, 35.0, True).max()


def test_constant_amplifier_has_one_value_in_its_overscan_too(take: Callable[..., np.ndarray]) -> None:
    image = take(1, 5.0, True, faults=("amplifier-constant:amplifier=C03,level=20000",))
    assert np.unique(image[3]).tolist() == [20000]
    assert np.ptp(image[4]) > 1000


def test_common_mode_noise_correlates_all_amplifiers(
    take: Callable[..., np.ndarray], truth: DetectorTruth
) -> None:
    image = take(1, faults=("common-mode:noise=9",))[:, :, -60:]
    correlation = np.corrcoef(np.diff(image, axis=2).reshape(16, -1))
    # 81 / (81 + read noise^2), of some 80 electron^2
    assert np.mean(correlation[np.triu_indices(16, 1)]) == pytest.approx(0.5, abs=0.06)


def test_deferred_charge_of_one_amplifier_trails_into_its_overscan(
    take: Callable[..., np.ndarray], model: DetectorModel
) -> None:
    stop, height = model.amplifiers[0].imaging[1].stop, model.amplifiers[0].height
    image = take(1, 20.0, True, faults=("deferred-charge:amplifier=C02,part=1e-3",))[2, :height].astype(float)
    signal, level = image[:, stop - 5 : stop - 1].mean(), image[:, stop + 3 :].mean()
    assert image[:, stop].mean() - level == pytest.approx(1e-3 * stop * (signal - level), rel=0.05)


def test_many_pixels_of_an_amplifier_are_hot(
    take_electrons: Callable[..., np.ndarray], model: DetectorModel
) -> None:
    hot = take_electrons(1, 30.0, faults=("hot-pixels:amplifier=C06,part=0.025,rate=50",))
    share = np.mean(hot > 700.0, axis=(1, 2))
    assert share[6] == pytest.approx(0.025, abs=0.002)
    assert np.delete(share, 6).max() < 0.002


def test_a_glowing_spot_bleeds_along_its_column_into_the_parallel_overscan(
    take: Callable[..., np.ndarray], model: DetectorModel
) -> None:
    quiet, bleeding = (take(1, 30.0, faults=faults) for faults in ((), ("bleeding:column=100",)))
    amplifier = next(each for each in model.amplifiers if each.y0 == 0 and 0 <= 100 - each.x0 < each.width)
    index = model.amplifiers.index(amplifier)
    column = amplifier.imaging[1].start + amplifier.width - 1 - (100 - amplifier.x0)
    signal = (bleeding - quiet)[index]
    assert signal[: amplifier.height, column].min() > 100_000
    assert signal[amplifier.height :, column].min() > 100_000
    assert np.abs(np.delete(signal, [column, column + 1], axis=1)).max() < 1000


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
