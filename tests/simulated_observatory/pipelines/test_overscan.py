from __future__ import annotations

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.images import Amplifier
from lsst.ts.simulated_observatory.pipelines.overscan import subtract_overscan
from lsst.ts.simulated_observatory.pipelines.raws import RawAmplifier

ROWS, COLUMNS, PRESCAN, SERIAL, PARALLEL = 200, 90, 3, 64, 48


def raw(array: np.ndarray) -> RawAmplifier:
    imaging = slice(0, ROWS), slice(PRESCAN, PRESCAN + COLUMNS)
    return RawAmplifier(array, imaging, Amplifier("C00", 0, 0, COLUMNS, ROWS))


def blank(level: float = 0.0) -> np.ndarray:
    return np.full((ROWS + PARALLEL, PRESCAN + COLUMNS + SERIAL), level)


def test_level_of_each_row_and_each_column_is_removed(rng: np.random.Generator) -> None:
    signal = rng.integers(0, 1000, (ROWS, COLUMNS))
    array = blank(20_000)
    array += rng.integers(0, 500, (array.shape[0], 1))
    array[:, PRESCAN : PRESCAN + COLUMNS] += rng.integers(0, 50, COLUMNS)
    array[:ROWS, PRESCAN : PRESCAN + COLUMNS] += signal
    result = subtract_overscan(raw(array.astype(np.int32)))
    np.testing.assert_allclose(result.pixels, signal)
    assert result.residual_sigma == 0.0
    assert result.pixels.dtype == np.float32


def test_first_and_last_three_lines_of_an_overscan_are_not_used() -> None:
    array = blank(1000)
    array[:, PRESCAN + COLUMNS :][:, [0, 1, 2, -3, -2, -1]] = 1e6
    array[ROWS:][[0, 1, 2, -3, -2, -1], PRESCAN : PRESCAN + COLUMNS] = 1e6
    result = subtract_overscan(raw(array), fit_type="MEAN_PER_ROW")
    assert np.all(result.pixels == 0.0)


def test_subtraction_adds_the_noise_of_two_medians(rng: np.random.Generator) -> None:
    """pi/2 n of the variance for each median of n values: 58 columns and 42 rows are 6.5 per cent."""
    expected = np.sqrt((1 + np.pi / 2 / 58) * (1 + np.pi / 2 / 42))
    found = [
        subtract_overscan(raw(rng.normal(2e4, 9.0, blank().shape))).pixels.std() / 9.0 for _ in range(30)
    ]
    assert np.mean(found) == pytest.approx(expected, abs=4e-3)


def test_residual_of_the_serial_overscan_is_the_read_noise(rng: np.random.Generator) -> None:
    found = [subtract_overscan(raw(rng.normal(2e4, 9.0, blank().shape))).residual_sigma for _ in range(10)]
    assert np.mean(found) == pytest.approx(9.0 * np.sqrt(1 - 0.43 / 58), rel=3e-3)


def test_constant_level_leaves_a_slope() -> None:
    array = blank(1000) + np.arange(ROWS + PARALLEL)[:, None]
    result = subtract_overscan(raw(array), fit_type="MEDIAN", parallel=False)
    assert np.ptp(result.pixels[:, 0]) == ROWS - 1


def test_overscan_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="too few columns of serial overscan"):
        subtract_overscan(raw(blank()), leading=32, trailing=32)
    with pytest.raises(ValueError, match="too few rows of parallel overscan"):
        subtract_overscan(raw(blank()), leading=24, trailing=24)
