"""Structure that some images of a set have in common: what it costs, and what is none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.images import Amplifier, DetectorImage, MaskPlane

from .sets import C02, NOISE, compared, dark_images, image


@pytest.mark.parametrize(
    "of_rows",
    [
        lambda rng: 30.0 * np.sin(2.0 * np.pi * np.arange(150) / 37.0),
        lambda rng: np.where(np.arange(150) % 2, 12.0, -12.0),
        lambda rng: rng.normal(0.0, 10.0, 150),
    ],
    ids=["wave", "odd and even", "scatter"],
)
@pytest.mark.parametrize("columns", [False, True])
def test_noise_that_rows_or_columns_share_costs_the_bias_that_has_it(
    rng: np.random.Generator, of_rows: Callable[[np.random.Generator], np.ndarray], columns: bool
) -> None:
    images = dark_images(rng, 8)
    pattern = of_rows(rng).astype(np.float32)
    images[3].image += np.resize(pattern, 160) if columns else pattern[:, None]
    found = compared(images)
    assert (list(found.unusable), found.odd) == ([3], {})


@pytest.mark.parametrize(
    "pattern",
    [
        lambda rng: 12.0 * np.sin(2.0 * np.pi * np.arange(150) / 11.0)[:, None],
        lambda rng: 12.0 * np.sin(2.0 * np.pi * np.arange(160) / 11.0),
        lambda rng: rng.normal(0.0, 12.0, (150, 160)),
    ],
    ids=["along columns", "along rows", "pixels"],
)
@pytest.mark.parametrize(("with_it", "out"), [(3, 3), (4, 8)])
def test_what_half_of_the_biases_have_in_common_is_no_bias(
    rng: np.random.Generator, pattern: Callable[[np.random.Generator], np.ndarray], with_it: int, out: int
) -> None:
    images, shared = dark_images(rng, 8), pattern(rng).astype(np.float32)
    for each in images[:with_it]:
        each.image += shared
    assert list(compared(images).unusable) == list(range(out))


def test_wave_of_one_of_many_biases_costs_only_this_one(rng: np.random.Generator) -> None:
    images = dark_images(rng, 20)
    images[2].image += (12.0 * np.sin(2.0 * np.pi * np.arange(150) / 11.0)).astype(np.float32)[:, None]
    found = compared(images)
    assert (list(found.unusable), found.odd) == ([2], {})
    assert found.unusable[2].endswith("tolerance 0.5; 1 of 20 images have it")


def test_wave_of_half_of_the_biases_is_seen_on_a_fixed_pattern_of_pixels(rng: np.random.Generator) -> None:
    images, pattern = dark_images(rng, 8), rng.normal(0.0, 60.0, (150, 160)).astype(np.float32)
    wave = (12.0 * np.sin(2.0 * np.pi * np.arange(150) / 11.0)).astype(np.float32)[:, None]
    for place, each in enumerate(images):
        each.image += pattern + (wave if place < 4 else 0.0)
    assert list(compared(images).unusable) == list(range(8))


@pytest.mark.parametrize("first", [0, 520, 1260, 1780])
def test_rows_that_half_of_the_biases_have_in_common_are_seen_wherever_they_are(
    first: int, rng: np.random.Generator
) -> None:
    """In an amplifier that is four times as high as it is wide, whose columns are seen in parts."""
    one = {"C00": Amplifier("C00", 0, 0, 509, 2000)}
    rows, images = rng.normal(0.0, 25.0, (220, 1)), []
    for place in range(8):
        pixels = rng.normal(0.0, NOISE, (2000, 509)).astype(np.float32)
        if place % 2:
            pixels[first : first + 220] += rows.astype(np.float32)
        images.append(DetectorImage(pixels, np.zeros(pixels.shape, np.uint16), one))
    assert list(compared(images).unusable) == list(range(8))


def test_pixels_that_half_of_the_good_biases_have_not_are_no_structure(rng: np.random.Generator) -> None:
    images, missing = (
        [image(rng.normal(0.0, NOISE, (150, 160))) for _ in range(16)],
        rng.random((150, 160)) < 0.45,
    )
    for each in images[:8]:
        each.mask[missing] = MaskPlane.NO_DATA
    found = compared(images)
    assert (found.unusable, found.odd) == ({}, {})


@pytest.mark.parametrize(("without", "number"), [(2, 8), (3, 8), (4, 8), (5, 8), (8, 20)])
def test_amplifier_that_is_a_defect_in_some_biases_is_compared_in_the_others(
    without: int, number: int, rng: np.random.Generator
) -> None:
    images = dark_images(rng, number)
    for each in images[:without]:
        each.mask[C02] = MaskPlane.BAD
    found = compared(images)
    assert (found.unusable, found.odd) == ({}, {})
    images[-1].image[C02] += (30.0 * np.sin(2.0 * np.pi * np.arange(150) / 37.0)).astype(np.float32)[:, None]
    assert list(compared(images).unusable) == [number - 1]


@pytest.mark.parametrize("with_it", [0, 4])
def test_images_that_have_no_pixels_in_common_are_odd_and_the_others_are_compared(
    with_it: int, rng: np.random.Generator
) -> None:
    images, odd = dark_images(rng, 8), np.indices((150, 160)).sum(axis=0) % 2 == 1
    for each in images[:with_it]:
        each.image += (25.0 * np.sin(2.0 * np.pi * np.arange(150) / 11.0)).astype(np.float32)[:, None]
    images[2].mask[odd] = images[5].mask[~odd] = MaskPlane.NO_DATA
    found = compared(images)
    assert list(found.unusable) == (list(range(8)) if with_it else [])
    if not with_it:
        reason = "structure of C03 cannot be compared: too few pixels in common with the others"
        assert found.odd == dict.fromkeys((2, 5), reason)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_every_second_column_is_a_defect_and_nothing_else(rng: np.random.Generator) -> None:
    images = dark_images(rng, 6)
    for each in images:
        each.mask[:, ::2] = MaskPlane.BAD
        each.image[C02] = 0.0
    found = compared(images)
    assert (found.unusable, found.odd) == ({}, {})
    images[3].image += np.float32(4.0)
    assert list(compared(images).unusable) == [3]


@pytest.mark.parametrize(("number", "lost"), [(5, 0.2), (20, 0.05), (20, 0.2)])
def test_pixels_that_each_good_bias_lacks_elsewhere_are_no_structure(
    number: int, lost: float, rng: np.random.Generator
) -> None:
    """The noise is known from the pairs of neighbours that all have."""
    for _set in range(4):
        images = dark_images(rng, number)
        for each in images:
            each.mask[rng.random(each.image.shape) < lost] = MaskPlane.NO_DATA
        found = compared(images)
        assert found.unusable == {}
        assert not any("differs" in reason for reason in found.odd.values())
