from __future__ import annotations

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.flatpairs import measure_pair, pixel_covariances


def one_by_one(image: np.ndarray, good: np.ndarray, i: int, j: int) -> float:
    """Covariance of all pairs of pixels, taken one after the other."""
    rows, columns = image.shape
    residual = image - image[good].mean()
    products = [
        residual[y, x] * residual[y + j, x + step]
        for step in {i, -i if j else i}
        for y in range(rows - j)
        for x in range(columns)
        if 0 <= x + step < columns and good[y, x] and good[y + j, x + step]
    ]
    return float(np.mean(products))


def test_covariances_are_those_of_all_pairs_of_good_pixels(rng: np.random.Generator) -> None:
    image = rng.normal(100.0, 9.0, (19, 23)).astype(np.float32)
    image[:, 1:] += 0.4 * image[:, :-1]
    good = rng.random(image.shape) > 0.1
    image[~good] = 1e4
    found = pixel_covariances(image, good, 4)
    expected = [[one_by_one(image, good, i, j) for j in range(4)] for i in range(4)]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-3)


def test_first_index_counts_columns(rng: np.random.Generator) -> None:
    noise = rng.normal(0.0, 10.0, (400, 501)).astype(np.float32)
    found = pixel_covariances(noise[:, 1:] + noise[:, :-1], np.ones((400, 500), bool), 3)
    assert found[0, 0] == pytest.approx(200.0, rel=0.02)
    assert found[1, 0] == pytest.approx(100.0, rel=0.03)
    assert np.abs([found[0, 1], found[2, 0], found[1, 1]]).max() < 3.0


def test_without_good_pixels_there_are_no_covariances() -> None:
    assert np.isnan(pixel_covariances(np.ones((5, 6), np.float32), np.zeros((5, 6), bool), 2)).all()


def test_small_amplifiers_have_fewer_lags() -> None:
    for asked, width, lags in ((8, 469, 8), (8, 55, 6), (8, 29, 3), (8, 3, 1), (1, 469, 1), (2, 469, 2)):
        flat = np.full((4, width), 1e4, np.float32)
        found = measure_pair(flat, flat, np.ones(flat.shape, bool), 9.0, side=asked)
        assert found.covariances.shape == (lags, lags)
