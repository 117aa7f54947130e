# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.
"""Parts of an amplifier that are one frame in all images, but for a little noise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.combine import (
    CombineConfig,
    CombineFlatConfig,
    CombineFlatTask,
    CombineTask,
)
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane

Store = Callable[..., Any]
SHAPE = (200, 240)
NOISE = {
    key.format(name): value
    for name in ("C10", "C11")
    for key, value in (("LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {}", 8.5), ("LSST ISR GAIN {}", 1.06))
}
"""Noise of the overscans, adu, and gain: 9 electron."""


def bad(image: DetectorImage) -> np.ndarray:
    return np.asarray((image.mask & MaskPlane.BAD) != 0)


@pytest.mark.parametrize(("number", "noise"), [(8, 1.0), (20, 1.0), (20, 3.0), (50, 3.0)])
@pytest.mark.parametrize("part", [0.02, 0.3])
def test_rows_that_are_frozen_but_for_the_noise_of_the_overscans_are_bad(
    part: float, number: int, noise: float, rng: np.random.Generator, stored: Store
) -> None:
    """Each has the noise of one image, 9 electron, in the combination, and not that of its mean."""
    frozen = np.zeros(SHAPE, bool)
    frozen[: int(part * SHAPE[0]), :120] = True
    frame = rng.normal(0.0, 9.0, SHAPE)
    images = []
    for each in range(1, number + 1):
        pixels = rng.normal(0.0, 9.0, SHAPE)
        pixels[frozen] = (frame + rng.normal(0.0, noise, SHAPE))[frozen]
        images.append(stored(pixels, each, **NOISE))
    image = CombineTask(config=CombineConfig()).run(images).combined
    assert np.mean(bad(image)[frozen]) > 0.99
    assert np.mean(bad(image)[~frozen][:, None]) < 0.02
    assert not bad(image)[:, 120:].any()
    pulls = image.image[~bad(image)] / np.sqrt(image.variance[~bad(image)])
    assert np.sqrt(np.mean(pulls**2)) == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize("number", [10, 20])
@pytest.mark.parametrize("pixels", [3, 9])
def test_a_few_pixels_that_are_frozen_are_bad(
    pixels: int, number: int, rng: np.random.Generator, stored: Store
) -> None:
    """Their errors were 30 to 50 times too small."""
    shape = 100, 120  # of two amplifiers
    frozen = np.zeros(shape[0] * shape[1], bool)
    frozen[rng.choice(frozen.size, pixels, replace=False)] = True
    frozen, frame = frozen.reshape(shape), rng.normal(0.0, 9.0, shape)
    images = []
    for each in range(1, number + 1):
        values = rng.normal(0.0, 9.0, shape)
        values[frozen] = (frame + rng.normal(0.0, 1.0, shape))[frozen]
        images.append(stored(values, each, **NOISE))
    image = CombineTask(config=CombineConfig()).run(images).combined
    assert not bad(image)[~frozen].any()
    assert np.mean(bad(image)[frozen]) > 0.8
    assert np.isnan(image.variance[bad(image)]).all()


@pytest.mark.parametrize(("number", "disturbed", "times"), [(10, 1, 10.0), (20, 1, 5.0), (20, 9, 3.0)])
def test_a_disturbed_overscan_costs_no_good_pixels(
    number: int, disturbed: int, times: float, rng: np.random.Generator, stored: Store
) -> None:
    """Most of the amplifier was BAD: its pixels scatter by less than such an overscan."""
    images = [stored(rng.normal(0.0, 9.0, (60, 80)), each, **NOISE) for each in range(1, number + 1)]
    for each in images[:disturbed]:
        each.image.metadata["LSST ISR OVERSCAN RESIDUAL SERIAL STDEV C10"] *= times
    assert not bad(CombineTask(config=CombineConfig()).run(images).combined).any()


@pytest.mark.parametrize("number", [3, 5, 8, 20])
@pytest.mark.parametrize(("light", "scatter"), [(300.0, 0.05), (16_500.0, 0.005), (16_500.0, 0.05)])
def test_good_flats_have_no_frozen_pixels(
    light: float, scatter: float, number: int, rng: np.random.Generator, stored: Store
) -> None:
    """Whatever the pixels respond, and where there is next to no light."""
    response = np.maximum(rng.normal(1.0, scatter, SHAPE), 0.0) * np.linspace(1.0, 0.02, SHAPE[0])[:, None]
    images = [
        stored(rng.poisson(light * response) + rng.normal(0.0, 9.0, SHAPE), each, 5.0, **NOISE)
        for each in range(1, number + 1)
    ]
    for each in images:
        each.image.metadata["LSST ISR UNITS"] = "electron"
    levels = {str(each): light for each in range(1, number + 1)}
    flat = CombineFlatTask(config=CombineFlatConfig()).run(images, {"EXPOSURES": levels}).combined
    assert not bad(flat).any()


def test_good_images_of_less_noise_than_one_adu_have_next_to_no_frozen_pixels(
    rng: np.random.Generator, stored: Store
) -> None:
    """Whole numbers: of 20 values of a noise of 0.8 adu many are the same, and one that is not is clipped."""
    quiet = {key: 0.8 if "STDEV" in key else 1.0 for key in NOISE}
    images = [stored(np.rint(rng.normal(0.3, 0.8, SHAPE)), each, **quiet) for each in range(1, 21)]
    assert np.mean(bad(CombineTask(config=CombineConfig()).run(images).combined)) < 1e-4
