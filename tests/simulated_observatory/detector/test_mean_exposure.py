"""Means of exposures that are drawn: as real means, with the noise that these have."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from lsst.ts.simulated_observatory.detector.exposure import ExposureRequest, mean_exposure, simulate
from lsst.ts.simulated_observatory.detector.mean_noise import MeanNoise

N = 24
MIDDLE = (N // 2, N // 2 + 1)
LIGHT = {"bias": (0.0, False), "dark": (30.0, False), "flat": (8.0, True)}


def streams(exposures: int) -> MeanNoise:
    return MeanNoise(np.random.default_rng(3), exposures)


def test_numbers_are_means_of_those_of_the_exposures() -> None:
    normal = streams(N).standard_normal(200_000, dtype=np.float32)
    assert normal.dtype == np.float32
    assert np.std(normal) == pytest.approx(N**-0.5, rel=0.01)
    assert abs(float(np.mean(normal))) < 5.0 * (N * 200_000) ** -0.5
    for mean in (0.02, 3.0, 400.0):
        counts = streams(N).poisson(np.full(200_000, mean))
        assert np.mean(counts) == pytest.approx(mean, rel=5.0 * (mean * N * 200_000) ** -0.5)
        assert np.var(counts) == pytest.approx(mean / N, rel=0.03)
        assert np.allclose(counts * N, np.rint(counts * N))
    assert isinstance(streams(N).standard_normal(), float)
    assert streams(N).poisson(0.0) == 0.0


@pytest.mark.parametrize("kind", LIGHT)
def test_a_mean_that_is_drawn_has_the_distribution_of_a_mean(
    kind: str, request_for: Callable[..., ExposureRequest]
) -> None:
    time, light = LIGHT[kind]
    real = np.mean(
        [np.stack(list(simulate(request_for(each, time, light)))) for each in range(1, N + 1)], axis=0
    )
    one, other = (
        np.stack(list(mean_exposure(request_for(each, time, light), N))).astype(np.float64) for each in MIDDLE
    )
    for drawn, again, mean in zip(one, other, real, strict=True):
        differences = [difference - np.median(difference) for difference in (drawn - again, drawn - mean)]
        spread = [float(np.subtract(*np.percentile(each, (75, 25)))) for each in differences]
        assert spread[1] == pytest.approx(spread[0], rel=0.05)  # of a real mean, cosmic rays left aside
        assert abs(np.median(drawn - mean)) < 6.0 * 6.0 * N**-0.5  # the bias level wanders


def test_a_single_exposure_is_what_it_was(request_for: Callable[..., ExposureRequest]) -> None:
    request = request_for(7, 8.0, True)
    pixels = np.stack(list(simulate(request)))
    assert pixels.dtype == np.int32
    drawn = np.stack(list(mean_exposure(request, 1)))
    residual = np.median(np.abs(drawn - pixels))  # the same noise, but for the digitisation
    assert 0.1 < residual < 1.0
