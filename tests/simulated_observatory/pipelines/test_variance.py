# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.
"""The variance of a combined image is that of its pixels around the truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.combine import CombineConfig, CombineTask
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.stacks import combine_images, metadata_of

Store = Callable[..., Any]
SHAPE = (200, 240)


def combined(images: list[Any], scales: list[float] | None = None) -> DetectorImage:
    """Images divided by their scales, weighted with the squares of these (read noise dominates)."""
    scales = scales or [1.0] * len(images)
    return combine_images(images, metadata_of(images), scales, [scale**2 for scale in scales])


def variance_of(image: DetectorImage) -> NDArray[np.float32]:
    assert image.variance is not None
    return image.variance


@pytest.mark.parametrize("number", [2, 3, 5, 9, 20, 50])
def test_biases_scatter_around_the_truth_as_their_variance_says(
    number: int, rng: np.random.Generator, stored: Store
) -> None:
    truth = rng.normal(0.0, 3.0, SHAPE)
    noise = np.where(np.arange(SHAPE[1]) < 120, 9.0, 14.0)  # of the two amplifiers
    image = combined([stored(truth + noise * rng.normal(size=SHAPE)) for _ in range(number)])
    for name in ("C10", "C11"):
        box = image.amplifiers[name].box
        error = (image.image - truth)[box]
        assert np.mean(variance_of(image)[box]) == pytest.approx(np.mean(error**2), rel=0.05)
    if number < 10:  # a variance of one or two degrees of freedom would say that some pixels are exact
        values = variance_of(image)[image.amplifiers["C10"].box]
        assert np.mean(values == values.min()) == pytest.approx(0.999, abs=0.001)


@pytest.mark.parametrize(("number", "lost"), [(5, 0), (5, 2), (6, 3), (7, 3), (8, 4), (12, 6), (18, 9)])
def test_the_error_of_a_pixel_with_few_values_is_known_from_all_pixels(
    number: int, lost: int, rng: np.random.Generator, stored: Store
) -> None:
    """Of 48 000 errors that are what they are said to be, 0.03 are beyond five of them."""
    images = [stored(rng.normal(0.0, 9.0, SHAPE)) for _ in range(number)]
    few = rng.random(SHAPE) < (0.45 if lost else 1.0)
    for each in images[:lost]:
        each.image.image[few] = 1000.0
        each.image.mask[few] = MaskPlane.NO_DATA
    image = combined(images)
    pulls = image.image[few] / np.sqrt(variance_of(image)[few])
    assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1.0, abs=0.03)
    assert np.abs(pulls).max() < 5.5


def test_a_pixel_that_two_of_four_biases_have_five_sigma_higher_has_their_scatter(
    rng: np.random.Generator, stored: Store
) -> None:
    """It is 22 electron too high: 4.9 of the errors that the other pixels have."""
    images = [stored(rng.normal(0.0, 9.0, SHAPE)) for _ in range(4)]
    for each in images[:2]:
        each.image.image[50:60] += 45.0
    image = combined(images)
    off = np.abs(image.image[50:60]) > 5.0 * np.sqrt(variance_of(image)[50:60])
    assert np.mean(off) < 0.12


@pytest.mark.parametrize("number", [2, 3, 4])
def test_a_pixel_in_which_few_images_differ_has_their_scatter(
    number: int, rng: np.random.Generator, stored: Store
) -> None:
    images = [stored(rng.normal(0.0, 9.0, SHAPE)) for _ in range(number)]
    for each in images[: number // 2]:
        each.image.image[50, 50] += 600.0
    variance = variance_of(combined(images))
    assert np.sqrt(variance[50, 50]) > 170.0  # the pixel is 300 off; in three, 200
    others = np.delete(variance.ravel(), 50 * SHAPE[1] + 50)
    assert np.mean(others) == pytest.approx(81.0 / number, rel=0.02)


def test_pixels_that_scatter_more_have_more_variance(rng: np.random.Generator, stored: Store) -> None:
    noise = np.full(SHAPE, 9.0)
    noise[50:60] = 40.0
    image = combined([stored(noise * rng.normal(size=SHAPE)) for _ in range(20)])
    assert np.mean(variance_of(image)[50:60]) == pytest.approx(1600.0 / 20, rel=0.05)
    assert np.mean(variance_of(image)[:50]) == pytest.approx(81.0 / 20, rel=0.03)


def test_darks_of_different_times_count_by_their_weights(rng: np.random.Generator, stored: Store) -> None:
    times = [5.0] * 4 + [15.0] * 2 + [30.0] * 8
    images = [stored(2.0 * time + rng.normal(0.0, 9.0, SHAPE), time=time) for time in times]
    image = combined(images, times)
    assert np.mean(variance_of(image)) == pytest.approx(81.0 / np.sum(np.square(times)), rel=0.03)


def test_what_is_excluded_does_not_count(rng: np.random.Generator, stored: Store) -> None:
    images = [stored(rng.normal(0.0, 9.0, SHAPE)) for _ in range(8)]
    for each in images[:3]:
        each.image.image[:100] += 5000.0
        each.image.mask[:100] = MaskPlane.CR
    image = combined(images)
    assert np.mean(variance_of(image)[:100]) == pytest.approx(81.0 / 5, rel=0.05)
    assert np.mean(variance_of(image)[100:]) == pytest.approx(81.0 / 8, rel=0.03)
    few = combined(images[2:5])
    assert np.mean(variance_of(few)[:100]) == pytest.approx(81.0 / 2, rel=0.03)
    assert np.mean(variance_of(few)[100:]) == pytest.approx(81.0 / 3, rel=0.03)


def test_a_cosmic_ray_that_is_clipped_does_not_hide_the_noise(
    rng: np.random.Generator, stored: Store
) -> None:
    images = [stored(rng.normal(0.0, 9.0, SHAPE)) for _ in range(20)]
    images[7].image.image[10:20] += 5000.0
    variance = np.mean(variance_of(combined(images))[10:20])
    # It counts as 3 sigma: too much by 9 / 18, never by 5000.
    assert 1.0 < variance / (81.0 / 19) < 1.6


def test_a_single_image_has_no_variance_and_says_why(rng: np.random.Generator, stored: Store) -> None:
    task = CombineTask(config=CombineConfig())
    image = task.run([stored(rng.normal(0.0, 9.0, SHAPE))]).combined
    assert np.isnan(variance_of(image)).all()
    assert "single image" in image.metadata["VARIANCE REASON"]
    two = task.run([stored(rng.normal(0.0, 9.0, SHAPE), number) for number in (1, 2)]).combined
    assert "VARIANCE REASON" not in two.metadata


def test_a_pixel_without_value_has_no_variance(rng: np.random.Generator, stored: Store) -> None:
    images = [stored(rng.normal(0.0, 9.0, SHAPE)) for _ in range(6)]
    for each in images:
        each.image.image[3, 4] = np.nan
        each.image.mask[3, 4] = MaskPlane.NO_DATA
    image = combined(images)
    assert np.argwhere(~np.isfinite(variance_of(image))).tolist() == [[3, 4]]
    few = combined(images[:3])
    assert np.isfinite(variance_of(few)[3, 5])
    assert np.isnan(variance_of(few)[3, 4])


@pytest.mark.parametrize("number", [8, 20])
def test_pixels_that_are_one_value_in_all_images_are_bad_and_do_not_make_the_errors_of_others_small(
    number: int, rng: np.random.Generator, stored: Store
) -> None:
    images = [stored(np.rint(rng.normal(0.0, 9.0, SHAPE)), each) for each in range(1, number + 1)]
    constant = rng.random(SHAPE) < 0.4
    frame = images[0].image.image[constant].copy()
    for each in images:
        each.image.image[constant] = frame
    images[0].image.mask[:100] = MaskPlane.NO_DATA  # its value does not count there
    image = CombineTask(config=CombineConfig()).run(images).combined
    np.testing.assert_array_equal((image.mask & MaskPlane.BAD) != 0, constant)
    np.testing.assert_array_equal(np.isnan(variance_of(image)), constant)
    good = ~constant & (np.arange(SHAPE[0]) >= 100)[:, None]
    assert np.mean(variance_of(image)[good]) == pytest.approx(81.0 / number, rel=0.03)


def test_whole_numbers_that_are_the_same_in_three_images_by_chance_are_good(
    rng: np.random.Generator, stored: Store
) -> None:
    """Of 48 000 pixels 500 are, with a noise of 2.9 adu."""
    images = [stored(2.0 * np.rint(rng.normal(0.0, 2.9, SHAPE)), each) for each in range(1, 4)]
    for each in images:
        each.image.metadata.update({"LSST ISR GAIN C10": 2.0, "LSST ISR GAIN C11": 2.0})
    image = CombineTask(config=CombineConfig()).run(images).combined
    assert not image.mask.any()
    assert np.mean(variance_of(image)) == pytest.approx(4.0 * (2.9**2 + 1.0 / 12.0) / 3, rel=0.02)


@pytest.mark.parametrize(("number", "lost"), [(8, 3), (8, 5), (6, 5)])
def test_a_value_that_is_not_finite_and_not_flagged_is_none(
    number: int, lost: int, rng: np.random.Generator, stored: Store
) -> None:
    images = [stored(rng.normal(0.0, 9.0, SHAPE)) for _ in range(number)]
    few = rng.random(SHAPE) < 0.45
    for each in images[:lost]:
        each.image.image[few] = np.nan
    image = combined(images)
    for pixels in (few, ~few):
        pulls = image.image[pixels] / np.sqrt(variance_of(image)[pixels])
        assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1.0, abs=0.03)
