from __future__ import annotations

import math
import re
from collections.abc import Callable

import numpy as np
import pytest

from lsst.ts.simulated_observatory.detector.charge import brighter_fatter
from lsst.ts.simulated_observatory.pipelines.flatpairs import (
    gain_from_variance,
    measure_pair,
)
from lsst.ts.simulated_observatory.pipelines.pairchecks import long_range_variance

GAIN, NOISE = 1.08, 9.0


SHAPE = (400, 1000)
GOOD = np.ones(SHAPE, bool)


def flats(rng: np.random.Generator, mean: float, drift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Two flats, adu, without brighter-fatter effect, with a mean in adu."""
    first, second = (
        (
            rng.poisson(mean * GAIN * factor * np.linspace(0.98, 1.02, SHAPE[1]), SHAPE) / GAIN
            + rng.normal(0, NOISE, SHAPE)
        ).astype(np.float32)
        for factor in (1.0, 1.0 + drift)
    )
    return first, second


@pytest.mark.parametrize("mean", [300.0, 5_000.0, 15_000.0])
def test_gain_and_variance_are_recovered(mean: float, rng: np.random.Generator) -> None:
    found = measure_pair(*flats(rng, mean), GOOD, NOISE)
    tolerance = 6 * math.sqrt(2 / 400_000)
    assert found.gain == pytest.approx(GAIN, rel=tolerance)
    assert found.mean == pytest.approx(mean, rel=1e-3)
    assert found.variance == pytest.approx(mean / GAIN + NOISE**2, rel=tolerance)


def test_neither_a_cosmic_ray_nor_a_drift_of_the_lamp_changes_the_gain(rng: np.random.Generator) -> None:
    first, second = flats(rng, 15_000.0, drift=0.01)
    second[5, :40] += 20_000.0
    assert measure_pair(first, second, GOOD, NOISE).gain == pytest.approx(GAIN, rel=0.014)


def test_cosmic_rays_and_bad_pixels_leave_no_covariance(rng: np.random.Generator) -> None:
    first, second = flats(rng, 15_000.0)
    good = GOOD.copy()
    second[:, 300:350] += 100.0
    good[:, 300:350] = False
    second[100:104, 50:54] += 20_000.0
    found = measure_pair(first, second, good, NOISE, side=3)
    assert found.covariances[0, 0] == found.variance
    others = found.covariances.ravel()[1:]
    assert np.abs(others).max() < 5 * found.variance / math.sqrt(first.size)


def test_covariances_are_those_of_a_single_image(rng: np.random.Generator) -> None:
    first, second = flats(rng, 60_000.0)
    for image in (first, second):
        shared = rng.normal(0.0, 50.0, (SHAPE[0], SHAPE[1] + 1))
        image += (shared[:, 1:] + shared[:, :-1]).astype(np.float32)
    found = measure_pair(first, second, GOOD, NOISE, side=3)
    assert found.covariances[1, 0] == pytest.approx(50.0**2, rel=0.2)
    assert found.variance == pytest.approx(60_000.0 / GAIN + NOISE**2 + 2 * 50.0**2, rel=0.02)


@pytest.mark.parametrize("electrons", [50.0, 100.0, 300.0])
def test_gain_of_faint_light_is_that_of_bright_light(rng: np.random.Generator, electrons: float) -> None:
    gains = [measure_pair(*flats(rng, electrons / GAIN), GOOD, NOISE).gain for _ in range(4)]
    expected = math.sqrt(2 / GOOD.size / 4) * (1.0 + (NOISE * GAIN) ** 2 / electrons)
    assert np.mean(gains) == pytest.approx(GAIN, rel=4 * expected)


@pytest.mark.parametrize("level", [0.0, 20.0, -50.0])
def test_amplifier_without_light_has_no_gain(level: float, rng: np.random.Generator) -> None:
    first, second = (rng.normal(level, NOISE, SHAPE).astype(np.float32) for _ in range(2))
    assert math.isnan(measure_pair(first, second, GOOD, NOISE).gain)


def test_variance_without_that_of_photons_has_no_gain() -> None:
    assert gain_from_variance(1000.0 / GAIN + 81.0, 1000.0, 9.0) == pytest.approx(GAIN)
    assert math.isnan(gain_from_variance(81.0, 1000.0, 9.0))
    assert math.isnan(gain_from_variance(math.nan, 1000.0, 9.0))


SMALL = np.ones((200, 400), bool)


def noisy(rng: np.random.Generator, light: np.ndarray | float) -> np.ndarray:
    """One flat, adu, of some light (adu)."""
    expected = np.broadcast_to(light, SMALL.shape) * GAIN
    return (rng.poisson(expected) / GAIN + rng.normal(0, NOISE, SMALL.shape)).astype(np.float32)


def half(lower: float) -> np.ndarray:
    """Light that is lower on half of the amplifier."""
    light = np.full(SMALL.shape, 15_000.0)
    light[:, 200:] *= 1.0 - lower
    return light


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (7_500.0, "the levels of the two flats differ: 15000 and 7500 adu"),
        (14_000.0, "the levels of the two flats differ"),
        (half(0.1), "levels|the ratio of the two flats is not flat"),
        (half(0.04) * 1.02, "the ratio of the two flats is not flat"),
        (15_000.0 * np.linspace(0.97, 1.03, 400), "the ratio of the two flats is not flat"),
        (15_000.0 * np.linspace(0.97, 1.03, 200)[:, None], "the ratio of the two flats is not flat"),
        (0.0, "levels|light"),
        (math.nan, "there are no good pixels"),
    ],
)
def test_flats_that_differ_by_more_than_noise_have_no_gain_and_say_why(
    second: np.ndarray | float, reason: str, rng: np.random.Generator
) -> None:
    one = noisy(rng, 15_000.0)
    other = np.full_like(one, math.nan) if np.isnan(second).any() else noisy(rng, second)
    found = measure_pair(one, other, SMALL, NOISE, side=2)
    assert np.isnan([found.gain, found.variance, *found.covariances.ravel()]).all()
    assert re.search(reason, found.reason)


@pytest.mark.parametrize(("saturated", "known"), [(0.009, True), (0.011, False), (1.0, False)])
def test_a_hundredth_of_the_pixels_may_be_saturated(
    saturated: float, known: bool, rng: np.random.Generator
) -> None:
    found = measure_pair(noisy(rng, 15_000.0), noisy(rng, 15_000.0), SMALL, NOISE, saturated=saturated)
    assert (math.isfinite(found.gain), "are saturated" in found.reason) == (known, not known)
    assert found.mean == pytest.approx(15_000.0, rel=1e-3)


def test_without_a_read_noise_there_is_no_gain(rng: np.random.Generator) -> None:
    found = measure_pair(noisy(rng, 15_000.0), noisy(rng, 15_000.0), SMALL, math.nan)
    assert (math.isnan(found.gain), found.reason) == (True, "the read noise is not known")


def test_constant_pixels_are_no_photons() -> None:
    flat = np.full(SMALL.shape, 15_000.0, np.float32)
    found = measure_pair(flat, flat, SMALL, NOISE)
    assert (math.isnan(found.gain), found.reason) == (True, "the variance is not that of photons")


def test_a_gradient_that_changes_within_a_pair_is_subtracted_or_told(rng: np.random.Generator) -> None:
    slope = np.linspace(-0.001, 0.001, 400)
    pair = noisy(rng, 60_000.0 * (1 + slope)), noisy(rng, 60_000.0 * (1 - slope))
    truth = 60_000.0 / GAIN + NOISE**2
    found = measure_pair(*pair, SMALL, NOISE, side=3)
    tolerance = 5 * math.sqrt(2 / SMALL.size)
    assert found.variance == pytest.approx(truth, rel=tolerance)
    assert found.gain == pytest.approx(GAIN, rel=tolerance)
    assert np.abs(found.covariances.ravel()[1:]).max() < 5 * truth / math.sqrt(SMALL.size)
    refused = measure_pair(*pair, SMALL, NOISE, side=3, subtract_long_range=False)
    assert "is not flat" in refused.reason


def test_white_noise_and_neighbours_that_share_it_have_no_long_range_variance(
    rng: np.random.Generator,
) -> None:
    noise = rng.normal(0.0, 100.0, (200, 401)).astype(np.float32)
    for image in (noise[:, 1:], noise[:, 1:] + noise[:, :-1]):
        variance, error = long_range_variance(image, SMALL)
        assert abs(variance) < 5 * error < 0.005 * 100.0**2
    wave = 50.0 * np.sin(np.linspace(0.0, 2 * np.pi, 400)).astype(np.float32)
    variance, error = long_range_variance(noise[:, 1:] + wave, rng.random(SMALL.shape) > 0.1)
    assert variance == pytest.approx(1250.0, rel=0.05)
    assert long_range_variance(noise[:5, :5], np.ones((5, 5), bool)) == (0.0, math.inf)
    assert long_range_variance(noise[:, 1:], ~SMALL) == (0.0, math.inf)


def _smoothed(image: np.ndarray, width: int, axis: int) -> np.ndarray:
    return np.asarray(np.mean([np.roll(image, step, axis) for step in range(width)], axis=0), np.float32)


def _times(factor: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda image: (image * factor).astype(np.float32)


_PERIODS = np.arange(200)[:, None], np.arange(400)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_times(1 + 0.004 * (-1.0) ** _PERIODS[0]), "rows"),
        (_times(1 + 0.004 * (_PERIODS[1] % 3 == 0)), "columns"),
        (_times(1 + 0.004 * (_PERIODS[1] % 16 < 8)), "columns"),
        (_times(np.random.default_rng(3).normal(1, 0.004, (200, 1))), "rows"),
        (_times(np.random.default_rng(3).normal(1, 0.003, 400)), "columns"),
        (_times(1 + 0.004 * (-1.0) ** (_PERIODS[0] + _PERIODS[1])), "share noise"),
        (lambda image: _smoothed(image, 2, 1), "share noise"),
        (lambda image: _smoothed(image, 3, 0), "share noise"),
        (lambda image: 0.9 * image + 0.1 * _smoothed(image, 3, 0), "noise of the two flats differs"),
        (lambda image: 0.8 * image + 0.2 * image.mean(), "noise of the two flats differs"),
    ],
)
def test_structure_and_smoothing_of_one_flat_give_no_gain_and_say_why(
    change: Callable[[np.ndarray], np.ndarray], reason: str, rng: np.random.Generator
) -> None:
    found = measure_pair(noisy(rng, 15_000.0), change(noisy(rng, 15_000.0)), SMALL, NOISE, side=2)
    assert (math.isnan(found.gain), math.isnan(found.variance)) == (True, True)
    assert reason in found.reason


@pytest.mark.parametrize("shape", [(60, 80), (200, 400)])
@pytest.mark.parametrize("light", [300.0, 15_000.0, 100_000.0])
def test_what_pixels_share_by_nature_costs_no_pair(light: float, shape: tuple[int, int]) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        response = rng.normal(1.0, 0.005, shape)
        pair = []
        for _ in range(2):
            charge = rng.normal(0.0, math.sqrt(light * GAIN), (shape[0] + 1, shape[1]))
            charge = charge[1:] + 6e-7 * light * charge[:-1]  # brighter-fatter effect of neighbours
            lines = rng.normal(0.0, 0.17 * NOISE, (shape[0], 1)), rng.normal(0.0, 0.2 * NOISE, shape[1])
            image = light * response + charge / GAIN + rng.normal(0, NOISE, shape) + lines[0] + lines[1]
            pair.append(image.astype(np.float32))
        assert measure_pair(pair[0], pair[1], np.ones(shape, bool), NOISE).reason == ""


@pytest.mark.parametrize("light", [45.0, 1_000.0, 16_500.0, 150_000.0])
def test_brighter_fatter_effect_of_the_simulated_detectors_costs_no_pair(light: float) -> None:
    fall = np.broadcast_to(np.linspace(1.0, 0.2, SMALL.shape[1]), SMALL.shape)
    for seed, scatter in enumerate((0.005, 0.05, 0.0)):
        rng, pair = np.random.default_rng(seed), []
        pattern = rng.normal(1.0, scatter, SMALL.shape) if scatter else fall
        for _ in range(2):
            mean = (light * pattern).astype(np.float32)
            charge = rng.normal(mean, np.sqrt(mean)).astype(np.float32)
            brighter_fatter(charge, mean, -3.07e-6)
            pair.append(np.rint((charge + rng.normal(0.0, 5.0, SMALL.shape)) / GAIN).astype(np.float32))
        assert measure_pair(pair[0], pair[1], SMALL, 5.0 / GAIN).reason == ""


def _shared(image: np.ndarray, part: float, axis: int | tuple[int, int], by: int = 1) -> np.ndarray:
    """A part of the charge that fluctuates is that of the pixel before, or of another one."""
    away = image - np.mean(image)
    return image + part * (np.roll(away, by, axis) - away)


def has_no_gain(rng: np.random.Generator, change: Callable[[np.ndarray], np.ndarray], reason: str) -> None:
    """Of two flats to which the same was done."""
    pair = [change(noisy(rng, 15_000.0)).astype(np.float32) for _ in range(2)]
    found = measure_pair(pair[0], pair[1], SMALL, NOISE, side=2)
    assert (math.isnan(found.gain), math.isnan(found.variance)) == (True, True)
    assert re.search(reason, found.reason)


def _ends_at(sigma: float) -> Callable[[np.ndarray], np.ndarray]:
    """No pixel is more sigma above the level."""
    return lambda image: np.minimum(image, 15_000.0 + sigma * math.sqrt(15_000.0 / GAIN))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_ends_at(1.5), "is clipped|not those of photons"),
        (_ends_at(2.0), "is clipped"),
        (lambda image: 0.3 * image + 0.7 * _ends_at(2.0)(image), "is clipped"),
        (lambda image: _shared(image, 0.05, 1), "neighbouring pixels share noise"),
        (lambda image: _shared(image, 0.05, (0, 1)), "neighbouring pixels share noise"),
        (lambda image: _shared(image, -0.05, 1), "neighbouring pixels share noise"),
        (lambda image: _shared(image, 0.04, 0, by=2), "neighbouring pixels share noise"),
    ],
)
def test_what_both_flats_do_to_the_noise_of_their_pixels_gives_no_gain(
    change: Callable[[np.ndarray], np.ndarray], reason: str, rng: np.random.Generator
) -> None:
    """The gain was 3 to 13 per cent too large."""
    has_no_gain(rng, change, reason)


def test_wings_of_a_cosmic_ray_cost_no_pair(rng: np.random.Generator) -> None:
    """Of 4 320 pixels 16 are four sigma of the difference brighter in one flat."""
    pair = [rng.normal(15_000.0, math.sqrt(15_000.0 / GAIN), (54, 80)).astype(np.float32) for _ in range(2)]
    pair[0][20, 20:36] = 15_700.0
    assert measure_pair(pair[0], pair[1], np.ones((54, 80), bool), NOISE).reason == ""


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1), (2, 2)])
def test_an_amplifier_of_few_pixels_has_a_gain_or_a_reason(
    shape: tuple[int, int], rng: np.random.Generator
) -> None:
    pair = [rng.normal(15_000.0, 120.0, shape).astype(np.float32) for _ in range(2)]
    found = measure_pair(pair[0], pair[1], np.ones(shape, bool), NOISE)
    assert math.isnan(found.gain) == bool(found.reason)


def _stuck(part: float) -> Callable[[np.ndarray], np.ndarray]:
    return lambda image: np.where(np.random.default_rng(1).random(image.shape) < part, 15_000.0, image)


def _dead_link(image: np.ndarray) -> np.ndarray:
    """2 per cent of the pixels have the same values in all images."""
    same = np.random.default_rng(1).random(image.shape) < 0.02
    return np.where(same, np.random.default_rng(2).normal(15_000.0, 120.0, image.shape), image)


def _jumping(image: np.ndarray) -> np.ndarray:
    """2 per cent of the pixels jump between two levels, 800 adu apart, from image to image."""
    jumps = np.random.default_rng(1).random(image.shape) < 0.02
    up = np.random.default_rng(int(image[0, 0])).random(image.shape) < 0.5
    return image + jumps * np.where(up, 400.0, -400.0)


_CONVERTER = "multiples of a step"
_DEVIATION = "not those of photons"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (_stuck(0.1), _DEVIATION),
        (_stuck(0.5), "have another level"),
        (_stuck(0.7), _DEVIATION),
        (_stuck(0.9), _DEVIATION),
        (_dead_link, _DEVIATION),
        (_jumping, _DEVIATION),
        (lambda image: image.astype(int) | 32, _CONVERTER),
        (lambda image: image.astype(int) & ~128, _DEVIATION),
        (lambda image: 40.0 * np.rint(image / 40.0), _CONVERTER),
        (lambda image: 256.0 * np.rint(image / 256.0), _DEVIATION),
    ],
)
def test_pixels_that_are_stuck_or_jump_and_stuck_bits_give_no_gain_and_say_why(
    change: Callable[[np.ndarray], np.ndarray], reason: str, rng: np.random.Generator
) -> None:
    has_no_gain(rng, change, reason)


@pytest.mark.parametrize("light", [120.0, 15_000.0])
def test_light_that_falls_off_to_nothing_and_whole_numbers_cost_no_pair(light: float) -> None:
    """Where there is less light there is less noise: all of it together is not normal."""
    for seed in range(5):
        fall = light * np.linspace(1.0, 0.02, SMALL.shape[1])
        pair = [np.rint(noisy(np.random.default_rng((seed, n)), fall)) for n in range(2)]
        found = measure_pair(pair[0], pair[1], SMALL, NOISE)
        assert found.reason == ""
        assert found.gain == pytest.approx(GAIN, rel=0.1 if light < 200 else 0.025)


def test_whole_numbers_of_little_noise_are_photons(rng: np.random.Generator) -> None:
    """A noise of 14 adu: their quartiles are whole numbers, 4 % of it apart."""
    for _ in range(5):
        pair = [np.rint(rng.normal(90.0, 9.7, SMALL.shape)).astype(np.float32) for _ in range(2)]
        assert measure_pair(pair[0], pair[1], SMALL, 2.0).reason == ""


@pytest.mark.parametrize(("gain", "noise", "light"), [(3.0, 6.0, 31.0), (5.0, 9.0, 150.0), (8.0, 9.0, 100.0)])
def test_whole_numbers_of_a_large_gain_are_photons(
    gain: float, noise: float, light: float, rng: np.random.Generator
) -> None:
    """A noise of 1.7 to 3 adu; where all values are even, a bit of the converter is stuck."""
    charge = [(rng.poisson(light, SMALL.shape) + rng.normal(0.0, noise, SMALL.shape)) for _ in range(2)]
    read_noise = math.hypot(noise / gain, math.sqrt(1.0 / 12.0))
    for step in (1.0, 2.0):
        pair = [(step * np.rint(each / gain / step)).astype(np.float32) for each in charge]
        found = measure_pair(pair[0], pair[1], SMALL, read_noise)
        assert (found.reason == "") == (step == 1.0)
        assert math.isnan(found.gain) or found.gain == pytest.approx(gain, rel=0.06)


@pytest.mark.parametrize("noise", [0.1, 30.0])
def test_a_full_amplifier_that_is_not_flagged_has_no_gain_but_shows_the_curve_where_it_is_full(
    rng: np.random.Generator, noise: float
) -> None:
    first, second = (rng.normal(117_500.0, noise, SMALL.shape).astype(np.float32) for _ in range(2))
    found = measure_pair(first, second, SMALL, 0.05)
    assert math.isnan(found.gain)
    assert found.reason == "the variance is not that of photons"
    assert found.variance == pytest.approx(noise**2, rel=0.05)


@pytest.mark.parametrize(
    ("light", "scatter", "shift", "reason"),
    [
        *((15_000.0, 0.005, shift, "neighbouring") for shift in ((0, 1), (1, 1), (1, -1))),
        (
            100_000.0,
            0.0015,
            (0, 1),
            "neighbouring",
        ),  # the brighter-fatter effect may share, and not as this does
        *((15_000.0, 0.005, shift, "distant") for shift in ((3, 5), (0, 60))),
    ],
)
def test_a_flat_that_is_read_out_some_pixels_off_gives_no_gain(
    rng: np.random.Generator, light: float, scatter: float, shift: tuple[int, int], reason: str
) -> None:
    response = rng.normal(light, scatter * light, (210, 470))
    first, second = (noisy(rng, response[y : y + 200, x + 1 : x + 401]) for y, x in ((0, 0), shift))
    assert f"{reason} pixels share noise" in measure_pair(first, second, SMALL, NOISE).reason
    assert measure_pair(first, noisy(rng, response[:200, 1:401]), SMALL, NOISE).reason == ""
