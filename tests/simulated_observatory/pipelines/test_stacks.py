from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.stacks import combine_images, metadata_of

Store = Callable[..., Any]


def biases(rng: np.random.Generator, stored: Store, number: int, noise: float = 9.0) -> list[Any]:
    pattern = rng.normal(0.0, 3.0, (200, 240))
    return [stored(pattern + rng.normal(0.0, noise, pattern.shape)) for _ in range(number)]


def combined(images: list[Any], **options: Any) -> DetectorImage:
    ones = [1.0] * len(images)
    return combine_images(images, metadata_of(images), ones, ones, **options)


def test_strips_give_the_same_as_the_whole(rng: np.random.Generator, stored: Store) -> None:
    images = biases(rng, stored, 8)
    images[3].image.mask[50:60, 70] = MaskPlane.CR
    whole = combined(images)
    for each in images:
        each.most_rows = 0
    parts = combined(images, memory=9 * 240 * 8 * 17)
    assert {each.most_rows for each in images} == {17}
    np.testing.assert_array_equal(parts.image, whole.image)


@pytest.mark.parametrize("number", [3, 20])
def test_noise_of_a_single_bias_does_not_depend_on_their_number(
    number: int, rng: np.random.Generator, stored: Store
) -> None:
    images = biases(rng, stored, number)
    for each in images:
        each.image.pixels("C11")[:] *= 1.2
        each.image.pixels("C10")[7, 7] += 4000.0 * (each is images[0])
    image = combined(images, memory=9 * 240 * number * 30, measure_noise=True)
    assert image.metadata["LSST CALIB NOISE C10"] == pytest.approx(9.0, rel=0.01)
    assert image.metadata["LSST CALIB NOISE C11"] == pytest.approx(10.8, rel=0.01)


@pytest.mark.parametrize(("number", "lost"), [(3, 0.2), (8, 0.5), (20, 0.4)])
@pytest.mark.parametrize("flagged", [False, True])
def test_noise_of_a_single_bias_does_not_depend_on_pixels_without_data(
    number: int, lost: float, flagged: bool, rng: np.random.Generator, stored: Store
) -> None:
    """A value differs from the mean of n by sqrt(1 - 1 / n) of the noise, and n is that of each pixel."""
    images = biases(rng, stored, number)
    for each in images:
        missing = rng.random(each.image.image.shape) < lost
        if flagged:
            each.image.mask[missing] = MaskPlane.NO_DATA
            each.image.image[missing] += 30.0
        else:
            each.image.image[missing] = np.nan
    noise = combined(images, measure_noise=True).metadata["LSST CALIB NOISE C10"]
    assert noise == pytest.approx(9.0, rel=0.015)


@pytest.mark.parametrize(("lost", "bad"), [(5, True), (4, False)])
def test_pixel_that_is_not_finite_has_no_data_though_nothing_flags_it(
    lost: int, bad: bool, rng: np.random.Generator, stored: Store
) -> None:
    images = biases(rng, stored, 8)
    for each in images[:lost]:
        each.image.image[50, 70] = np.nan
    assert combined(images).mask[50, 70] == MaskPlane.BAD * bad


def test_one_noisy_bias_is_not_the_noise_of_all(rng: np.random.Generator, stored: Store) -> None:
    images = [stored(rng.normal(0.0, 25.0 if n == 3 else 9.0, (60, 400))) for n in range(20)]
    noise = combined(images, measure_noise=True).metadata["LSST CALIB NOISE C10"]
    assert noise == pytest.approx(9.0, rel=0.02)


def test_one_image_has_no_noise_that_could_be_known(rng: np.random.Generator, stored: Store) -> None:
    image = combined(biases(rng, stored, 1), measure_noise=True)
    assert np.isnan(image.metadata["LSST CALIB NOISE C10"])


def test_pixels_that_are_bad_in_most_images_are_bad(rng: np.random.Generator, stored: Store) -> None:
    images = biases(rng, stored, 3)
    for each in images:
        each.image.mask[0, 0] = MaskPlane.BAD
        each.image.image[5, 5] = np.nan
        each.image.mask[5, 5] = MaskPlane.NO_DATA
    images[0].image.mask[1, 1] = MaskPlane.BAD
    image = combined(images)
    assert np.argwhere(image.mask == MaskPlane.BAD).tolist() == [[0, 0], [5, 5]]
    assert image.image[5, 5] == np.median(np.delete(image.pixels("C10"), 5 * 120 + 5))


SAT, CR, BAD, SUSPECT = MaskPlane.SAT, MaskPlane.CR, MaskPlane.BAD, MaskPlane.SUSPECT


@pytest.mark.parametrize(
    ("planes", "expected", "value"),
    [
        ([SAT] * 5 + [0] * 4, BAD | SAT, 9.0),
        ([SAT] * 2 + [0] * 7, SUSPECT, 9.0),
        ([SAT, SAT, CR, CR, MaskPlane.NO_DATA], BAD, None),
        ([CR] * 3 + [0], CR | SUSPECT, 9.0),
        ([CR, 0], 0, 9.0),
        ([CR, CR], BAD | CR, None),
        ([SAT, SAT], BAD | SAT, None),
        ([CR], BAD | CR, None),
        ([SAT], BAD | SAT, None),
        ([0], 0, 9.0),
    ],
)
def test_pixel_without_a_good_value_is_flagged_with_the_cause(
    planes: list[int], expected: int, value: float | None, stored: Store
) -> None:
    images = [stored(np.full((10, 20), 9.0)) for _ in planes]
    for each, plane in zip(images, planes, strict=True):
        each.image.mask[4, 5] = plane
    image = combined(images)
    assert np.argwhere(image.mask).tolist() == ([[4, 5]] if expected else [])
    assert image.mask[4, 5] == expected
    assert value is None or image.image[4, 5] == value


def test_one_image_without_data_in_a_pixel_leaves_the_mean_of_the_others(stored: Store) -> None:
    images = [stored(np.full((10, 20), float(number))) for number in range(8)]
    images[7].image.image[3, 3] = np.nan
    images[7].image.mask[3, 3] = MaskPlane.NO_DATA
    images[6].image.image[2, 2] = np.inf  # and no flag
    image = combined(images)
    assert image.image[3, 3] == 3.0
    assert image.image[2, 2] == pytest.approx(22 / 7)
    assert not image.mask.any()


@pytest.mark.parametrize(("number", "flag", "value"), [(1, 0, 1100.0), (2, BAD, None), (3, 0, 100.0)])
def test_cosmic_ray_that_nobody_looked_for(
    number: int, flag: int, value: float | None, rng: np.random.Generator, stored: Store
) -> None:
    images = [stored(100.0 + rng.normal(0.0, 0.01, (60, 40))) for _ in range(number)]
    images[0].image.image[7, 8] += 1000.0
    image = combined(images, noise=np.full((number, 2), 0.01))
    assert image.mask[7, 8] == flag
    assert np.count_nonzero(image.mask) == bool(flag)
    assert value is None or image.image[7, 8] == pytest.approx(value, abs=0.1)
