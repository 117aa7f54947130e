from __future__ import annotations

import math

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.flatpairs import PairMeasurement, measure_pair

GAIN, NOISE = 1.05, 8.3
SHAPE = 200, 400
ERROR = math.sqrt(2.0 / SHAPE[0] / SHAPE[1])
"""Relative error of the variance of a pair, and of its gain."""


def measured(rng: np.random.Generator, electrons: float, response: np.ndarray) -> PairMeasurement:
    """A pair of flats of some light, with a response of each pixel that both have."""
    one, two = (
        (rng.poisson(electrons * response) / GAIN + rng.normal(0.0, NOISE, SHAPE)).astype(np.float32)
        for _ in range(2)
    )
    return measure_pair(one, two, np.ones(SHAPE, bool), NOISE, side=4)


@pytest.mark.parametrize(
    ("electrons", "part", "other"),
    [
        (1_000.0, 0.02, 0.0),
        (1_000.0, 0.1, 0.0),
        (16_500.0, 0.1, 0.5),
        (16_500.0, 0.2, 0.9),
        (16_500.0, 0.1, 2.0),
    ],
)
def test_rows_of_another_response_are_neither_in_the_level_nor_in_the_variance(
    electrons: float, part: float, other: float, rng: np.random.Generator
) -> None:
    response = rng.normal(1.0, 0.005, SHAPE)
    response[: round(part * SHAPE[0])] *= other
    found = measured(rng, electrons, response)
    assert found.reason == ""
    assert found.gain == pytest.approx(GAIN, rel=4.0 * ERROR)
    assert found.mean == pytest.approx(electrons / GAIN, rel=2e-3)
    assert found.pixels == pytest.approx((1.0 - part) * SHAPE[0] * SHAPE[1], rel=2e-3)


def test_a_gradient_that_pixels_have_costs_no_pixels(rng: np.random.Generator) -> None:
    found = measured(rng, 16_500.0, np.broadcast_to(np.linspace(0.7, 1.3, SHAPE[1]), SHAPE))
    assert found.gain == pytest.approx(GAIN, rel=4.0 * ERROR)
    assert found.pixels > 0.999 * SHAPE[0] * SHAPE[1]
