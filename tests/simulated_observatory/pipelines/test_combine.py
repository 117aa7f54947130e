# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lsst.pipe.base import NoWorkFound

from lsst.ts.simulated_observatory.pipelines.combine import (
    CombineConfig,
    CombineFlatConfig,
    CombineFlatTask,
    CombineTask,
)
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage

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


def test_darks_without_time_and_images_of_different_size_are_refused(stored: Store) -> None:
    with pytest.raises(NoWorkFound):
        combined([stored(np.zeros(SHAPE))], scale="darkTime")
    with pytest.raises(RuntimeError, match="different sizes"):
        combined([stored(np.zeros(SHAPE)), stored(np.zeros((10, 10)))])


def flat_of(images: list[Any], means: list[float]) -> DetectorImage:
    levels = [{"EXPOSURE": number, "MEAN": mean} for number, mean in enumerate(means, start=1)]
    return CombineFlatTask(config=CombineFlatConfig()).run(images, levels[::-1]).combined


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


def test_flat_without_light_is_refused(stored: Store) -> None:
    with pytest.raises(NoWorkFound, match="AT_O_20250115_000002"):
        flat_of([stored(np.ones(SHAPE), 1), stored(np.zeros(SHAPE), 2)], [1.0, 0.0])
