# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lsst.pex.config import FieldValidationError

from lsst.ts.simulated_observatory.pipelines.combine import (
    CombineConfig,
    CombineFlatConfig,
    CombineFlatTask,
    CombineTask,
)
from lsst.ts.simulated_observatory.pipelines.flatnorm import FlatNormConfig, FlatNormTask
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.members import UnusableSetError

Store = Callable[..., Any]
SHAPE = (120, 160)


def combined(images: list[Any], **options: object) -> DetectorImage:
    config = CombineConfig()
    config.update(**options)
    return CombineTask(config=config).run(images).combined


def test_bias_knows_what_it_was_made_of(rng: np.random.Generator, stored: Store) -> None:
    images = [
        stored(rng.normal(2.0, 9.0, SHAPE), number, **{"SIMULATE ATCAMERA": 1, "LSST ISR GAIN C10": 1.07})
        for number in range(1, 11)
    ]
    bias = combined(images, measureNoise=True)
    assert bias.image.std() == pytest.approx(9.0 / np.sqrt(10), rel=0.05)
    metadata = bias.metadata
    assert metadata["OBSTYPE"] == "bias"
    assert metadata["INPUT EXPOSURES"] == list(range(1, 11))
    assert metadata["CALIB_CREATION_DATETIME"] == "2025-01-15T18:01:10"
    assert metadata["SIMULATE ATCAMERA"] == 1
    assert metadata["LSST ISR GAIN C10"] == 1.07
    assert metadata["LSST CALIB NOISE C10"] == pytest.approx(9.0, rel=0.02)
    assert metadata["LSST CALIB BIAS C10 DISTRIBUTION 50-PCT"] == pytest.approx(2.0, abs=0.2)


def test_the_same_images_make_the_same_bias(rng: np.random.Generator, stored: Store) -> None:
    images = [stored(rng.normal(0.0, 9.0, SHAPE), number) for number in (1, 2, 3)]
    first, second = combined(images), combined(images)
    np.testing.assert_array_equal(first.image, second.image)
    assert first.metadata == second.metadata


def test_dark_is_a_rate_with_the_least_noise(rng: np.random.Generator, stored: Store) -> None:
    times = [5.0] * 4 + [15.0] * 2 + [30.0] * 16
    images = [
        stored(2.0 * time + rng.normal(0.0, 9.0, SHAPE), number, time)
        for number, time in enumerate(times, start=1)
    ]
    dark = combined(images, scale="darkTime")
    assert dark.image.mean() == pytest.approx(2.0, abs=0.005)
    assert dark.image.std() == pytest.approx(9.0 / np.sqrt(np.sum(np.square(times))), rel=0.03)
    assert [dark.metadata[f"CPP_INPUT_SCALE_{n}"] for n in range(len(times))] == times


def test_darks_without_time_and_images_of_different_size_are_refused(
    rng: np.random.Generator, stored: Store
) -> None:
    images = [stored(rng.normal(0.0, 9.0, SHAPE), number, 10.0) for number in range(1, 5)]
    images[2] = stored(rng.normal(0.0, 9.0, SHAPE), 3)
    assert combined(images, scale="darkTime").metadata["LEFT OUT REASONS"] == ["it has no dark time"]
    with pytest.raises(UnusableSetError, match="AT_O_20250115_000003: it has no dark time"):
        combined(images[2:3], scale="darkTime")
    with pytest.raises(RuntimeError, match="different sizes"):
        combined([images[0], stored(rng.normal(0.0, 9.0, (20, 20)))])


def test_combination_of_no_images_is_refused() -> None:
    with pytest.raises(UnusableSetError, match="there are no images"):
        combined([])


def test_amplifier_that_is_the_same_in_all_biases_has_no_variance(
    rng: np.random.Generator, stored: Store
) -> None:
    images = [stored(rng.normal(0.0, 9.0, SHAPE), number) for number in range(1, 9)]
    name, amplifier = next(iter(images[0].image.amplifiers.items()))
    for each in images:
        each.image.image[amplifier.box] = images[0].image.image[amplifier.box]
    bias = combined(images)
    assert bias.metadata["LEFT OUT EXPOSURES"] == []
    assert bias.metadata["VARIANCE REASON"] == f"the same in most images: {name}"
    frozen = np.zeros(SHAPE, dtype=bool)
    frozen[amplifier.box] = True
    assert bias.variance is not None
    np.testing.assert_array_equal(np.isnan(bias.variance), frozen)
    np.testing.assert_array_equal((bias.mask & MaskPlane.BAD) != 0, frozen)


@pytest.mark.parametrize(("number", "part"), [(2, 0.3), (2, 0.45), (3, 0.4), (3, 0.45)])
def test_good_biases_that_lack_pixels_are_no_frozen_frame(
    number: int, part: float, rng: np.random.Generator, stored: Store
) -> None:
    """Where one image alone has a pixel, it is the median of all."""
    images = [stored(rng.normal(0.0, 9.0, SHAPE), each) for each in range(1, number + 1)]
    for each in images:
        each.image.metadata |= {
            f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}": 9.0 for name in ("C10", "C11")
        }
        each.image.metadata |= {f"LSST ISR GAIN {name}": 1.0 for name in ("C10", "C11")}
        each.image.mask[rng.random(SHAPE) < part] = MaskPlane.NO_DATA
    assert "VARIANCE REASON" not in combined(images).metadata


@pytest.mark.parametrize("kind", ["bias", "dark", "flat"])
def test_amplifier_that_is_one_frame_but_for_little_noise_has_no_variance(
    kind: str, rng: np.random.Generator, stored: Store
) -> None:
    """Also where flats and darks are divided by unlike levels and times, as are their frozen frames."""
    noise = {f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}": 9.0 for name in ("C10", "C11")}
    scales = 1.0 + 0.002 * np.arange(6)
    level, time = {"bias": (0.0, 0.0), "dark": (0.6, 30.0), "flat": (16_500.0, 5.0)}[kind]
    pattern = rng.normal(0.0, 90.0, SHAPE)  # which is no frozen frame in the others
    images = [
        stored(pattern + rng.normal(level * each, np.hypot(9.0, np.sqrt(level)), SHAPE), n, each * time)
        for n, each in enumerate(scales, 1)
    ]
    for each in images:
        each.image.metadata.update({**noise, "LSST ISR GAIN C10": 1.0, "LSST ISR GAIN C11": 1.0})
    box = images[0].image.amplifiers["C10"].box
    frame = images[0].image.image[box].copy()
    for each in images:
        each.image.image[box] = frame + rng.normal(0.0, 2.0, frame.shape)
    if kind == "flat":
        image = flat_of(images, list(level * scales))
    else:
        image = combined(images, scale="darkTime" if time else "unity", measureNoise=True)
        assert np.isnan(image.metadata["LSST CALIB NOISE C10"])
        assert np.isfinite(image.metadata["LSST CALIB NOISE C11"])
    assert image.metadata["LEFT OUT EXPOSURES"] == []
    assert image.metadata["VARIANCE REASON"] == "the same in most images: C10"
    assert image.variance is not None
    for found in (np.isnan(image.variance), (image.mask & MaskPlane.BAD) != 0):
        assert found[box].all()
        assert np.count_nonzero(found) == frame.size


@pytest.mark.parametrize(("more", "times_light"), [(4.0, False), (30.0, False), (0.0, True), (20.0, True)])
def test_frame_of_an_amplifier_of_flats_is_found_beside_the_noise_of_their_photons(
    more: float, times_light: bool, rng: np.random.Generator, stored: Store
) -> None:
    """The frame is read again as it is, or scaled with the light, with noise in addition."""
    levels = [10_000.0, 12_000.0, 14_000.0, 16_000.0, 18_000.0, 20_000.0]
    response = rng.normal(1.0, 0.01, SHAPE)
    images = [
        stored(rng.poisson(each * response), n, each / 3300.0, **{"LSST ISR UNITS": "electron"})
        for n, each in enumerate(levels, 1)
    ]
    good = flat_of(images, levels)
    assert "VARIANCE REASON" not in good.metadata
    box = images[0].image.amplifiers["C10"].box
    frame = images[0].image.image[box].copy()
    for each, level in zip(images, levels, strict=True):
        scale = level / levels[0] if times_light else 1.0
        each.image.image[box] = scale * frame + rng.normal(0.0, more, frame.shape)
    flat = flat_of(images, levels)
    assert flat.metadata["VARIANCE REASON"] == "the same in most images: C10"
    assert flat.metadata["LEFT OUT EXPOSURES"] == []
    assert (flat.mask[box] == MaskPlane.BAD).all()


@pytest.mark.parametrize(("longest", "named"), [(300.0, True), (60.0, False)])
def test_dark_that_has_most_of_the_weight_is_named(
    longest: float, named: bool, rng: np.random.Generator, stored: Store, caplog: pytest.LogCaptureFixture
) -> None:
    times = [30.0] * 8 + [longest]
    images = [stored(rng.normal(0.0, 9.0, SHAPE), n, time) for n, time in enumerate(times, 1)]
    assert combined(images, scale="darkTime").metadata["ODD EXPOSURES"] == []
    assert ("AT_O_20250115_000009 has 93 % of the weight" in caplog.text) == named


@pytest.mark.parametrize("number", [2, 3, 6])
def test_good_biases_with_a_pattern_are_no_frozen_frame(
    number: int, rng: np.random.Generator, stored: Store
) -> None:
    """Odd columns are 100 adu above even ones, with a noise of 9 adu that the overscans tell or not."""
    pattern = 50.0 * (-1.0) ** np.arange(SHAPE[1])
    for known in ({}, {"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV C10": 9.0, "LSST ISR GAIN C10": 1.0}):
        images = [
            stored(pattern + rng.normal(0.0, 9.0, SHAPE), each, **known) for each in range(1, number + 1)
        ]
        bias = combined(images)
        assert (bias.metadata["LEFT OUT EXPOSURES"], "VARIANCE REASON" in bias.metadata) == ([], False)
        assert np.count_nonzero(bias.mask) < 5  # where two differ by more than five sigma


def test_amplifier_that_is_one_frame_in_most_biases_costs_no_bias(
    rng: np.random.Generator, stored: Store
) -> None:
    images = [stored(rng.normal(0.0, 9.0, SHAPE), number) for number in range(1, 21)]
    box = images[0].image.amplifiers["C10"].box
    for each in images[1:11]:
        each.image.image[box] = images[0].image.image[box]
    bias = combined(images)
    assert bias.metadata["LEFT OUT EXPOSURES"] == []
    assert bias.metadata["VARIANCE REASON"] == "the same in most images: C10"
    assert np.count_nonzero(bias.mask & MaskPlane.BAD) == bias.image[box].size


def test_headers_that_say_nothing_cost_nothing_else(rng: np.random.Generator, stored: Store) -> None:
    images = [stored(rng.normal(0.6, 9.0, SHAPE), number, time=30.0) for number in range(1, 7)]
    images[3].image.metadata["DARKTIME"] = "n/a"  # its exposure time is known
    for each in images[:2]:
        each.image.metadata["DATE-END"] = None
    dark = combined(images, scale="darkTime")
    assert dark.metadata["CPP_INPUT_SCALE_3"] == 30.0
    assert dark.metadata["CALIB_CREATION_DATETIME"] == "2025-01-15T18:01:06"
    for each in images:
        each.image.metadata["DATE-END"] = None
    assert combined(images, scale="darkTime").metadata["CALIB_CREATION_DATETIME"] == ""


def test_biases_with_light_are_left_out_and_named(rng: np.random.Generator, stored: Store) -> None:
    pattern = rng.normal(0.0, 3.0, SHAPE)
    images = [stored(pattern + rng.normal(0.0, 9.0, SHAPE), number) for number in range(1, 15)]
    for index in (2, 3, 4, 5):
        images[index].image.image += np.float32(4.0)
    bias = combined(images)
    assert np.mean(bias.image - pattern) == pytest.approx(0.0, abs=0.1)
    assert bias.metadata["LEFT OUT EXPOSURES"] == [3, 4, 5, 6]
    assert bias.metadata["LEFT OUT REASONS"][0].startswith(
        "light differs from the others in the detector: by +0.4"
    )
    assert bias.metadata["INPUT EXPOSURES"] == [1, 2, *range(7, 15)]
    assert len([key for key in bias.metadata if key.startswith("CPP_INPUT_SCALE_")]) == 10
    with pytest.raises(UnusableSetError, match=r"AT_O_20250115_000003: light"):
        combined(images, minImages=11)
    with pytest.raises(UnusableSetError, match=r"at least 12 are needed"):
        combined(images, minFraction=0.8)


@pytest.mark.parametrize("options", [{"minFraction": 0.49}, {"minFraction": 1.1}, {"minImages": 2}])
@pytest.mark.parametrize("config", [CombineConfig, CombineFlatConfig])
def test_no_combination_may_be_made_of_less_than_half_or_three(config: Any, options: dict[str, Any]) -> None:
    with pytest.raises(FieldValidationError, match=next(iter(options))):
        config().update(**options)


def flat_of(images: list[Any], means: list[float]) -> DetectorImage:
    scales = {"EXPOSURES": dict(enumerate(means, start=1))}
    return CombineFlatTask(config=CombineFlatConfig()).run(images, scales).combined


def test_flats_of_any_brightness_are_weighted_with_their_photons(
    rng: np.random.Generator, stored: Store
) -> None:
    response = np.linspace(0.95, 1.05, SHAPE[1]) * np.ones(SHAPE)
    means = [300.0, 5_000.0, 15_000.0, 15_000.0]
    images = [stored(rng.poisson(mean * response), number) for number, mean in enumerate(means, start=1)]
    flat = flat_of(images, means)
    residual = flat.image / response - 1.0
    assert residual.mean() == pytest.approx(0.0, abs=1e-4)
    assert residual.std() == pytest.approx(1 / np.sqrt(sum(means)), rel=0.03)
    assert flat.metadata["LSST ISR UNITS"] == "1"


def test_flats_without_light_or_level_are_left_out(rng: np.random.Generator, stored: Store) -> None:
    means = [5_000.0] * 6
    images = [stored(rng.poisson(each, SHAPE), number, 2.0) for number, each in enumerate(means, start=1)]
    images[1] = stored(rng.normal(-0.3, 9.0, SHAPE), 2, 2.0)
    images[4].image.mask[:, :40] = MaskPlane.SAT
    for level in (-0.3, 0.3, float("nan")):
        flat = flat_of(images, [5_000.0, level, *means[2:4], float("nan"), 5_000.0])
        assert flat.metadata["LEFT OUT EXPOSURES"] == [2, 5]
        assert flat.image.mean() == pytest.approx(1.0, abs=2e-3)
    for each in images:
        each.image.mask[:, :40] = MaskPlane.SAT
    with pytest.raises(UnusableSetError, match="0 of 6 images are usable and at least 3 are needed"):
        flat_of(images, means)


def test_detectors_under_one_lamp_keep_their_ratio(rng: np.random.Generator, stored: Store) -> None:
    light, factors = [15_000.0, 15_300.0, 30_000.0], {0: 1.0102, 1: 1.0}
    levels = [
        {"EXPOSURE": number, "MEAN": each * factor, "NPIXELS": 100}
        for factor in factors.values()
        for number, each in enumerate(light, start=1)
    ]
    norm = FlatNormTask(config=FlatNormConfig()).run(levels, [0, 0, 0, 1, 1, 1]).scales
    means = []
    for factor in factors.values():
        images = [
            stored(rng.poisson(each * factor, SHAPE), number) for number, each in enumerate(light, start=1)
        ]
        flat = CombineFlatTask(config=CombineFlatConfig()).run(images, norm).combined
        means.append(float(np.mean(rng.poisson(20_000.0 * factor, SHAPE) / flat.image)))
    assert means[0] / means[1] == pytest.approx(1.0, abs=2e-4)
    assert norm["DETECTORS"][0] / norm["DETECTORS"][1] == pytest.approx(1.0102)


@pytest.mark.parametrize("common", [0, 1, 2, 3])
def test_a_ratio_of_detectors_that_few_exposures_tie_is_a_warning(
    common: int, rng: np.random.Generator, stored: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Detector 0 has the first four of eight exposures, and detector 1 those from there on."""
    exposures = {0: range(1, 5), 1: range(5 - common, 9)}
    levels = [
        {"EXPOSURE": number, "MEAN": 5000.0, "NPIXELS": 100} for each in exposures.values() for number in each
    ]
    detectors = [name for name, each in exposures.items() for _ in each]
    norm = FlatNormTask(config=FlatNormConfig()).run(levels, detectors).scales
    assert (f"is known from {common} of 8 exposures" in caplog.text) == (0 < common < 3)
    lost = next((name for name, factor in norm["DETECTORS"].items() if factor is None), 0)
    images = [stored(rng.poisson(5000.0, SHAPE), number, 2.0) for number in exposures[lost]]
    if common == 0:
        with pytest.raises(UnusableSetError, match="has a level in no exposure in common with the others"):
            CombineFlatTask(config=CombineFlatConfig()).run(images, norm)


@pytest.mark.parametrize(("number", "warned"), [(2, True), (3, False)])
def test_a_ratio_of_detectors_that_has_two_exposures_in_all_is_a_warning_too(
    number: int, warned: bool, caplog: pytest.LogCaptureFixture
) -> None:
    levels = [{"EXPOSURE": each // 2, "MEAN": 5000.0, "NPIXELS": 100} for each in range(2 * number)]
    FlatNormTask(config=FlatNormConfig()).run(levels, [0, 1] * number)
    assert (f"known from {number} of {number} exposures" in caplog.text) == warned


def test_level_that_nobody_knows_is_null(caplog: pytest.LogCaptureFixture) -> None:
    levels: list[dict[str, Any]] = [
        {"EXPOSURE": 1, "MEAN": None, "NPIXELS": 0},
        {"EXPOSURE": 2, "MEAN": 3.0, "NPIXELS": 10},
    ]
    norm = FlatNormTask(config=FlatNormConfig()).run(levels, [0, 0]).scales
    assert norm == {"EXPOSURES": {1: None, 2: 3.0}, "DETECTORS": {0: 1.0}}
    assert not caplog.text  # one detector has no ratio


@pytest.mark.parametrize(("lit", "number"), [(8, 14), (3, 5), (3, 4)])
def test_light_in_most_biases_leaves_none(
    lit: int, number: int, rng: np.random.Generator, stored: Store
) -> None:
    images = [stored(rng.normal(6.0 * (each <= lit), 9.0, SHAPE), each) for each in range(1, number + 1)]
    with pytest.raises(UnusableSetError, match="it has more light than others"):
        combined(images)
