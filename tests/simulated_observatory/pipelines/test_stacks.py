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
