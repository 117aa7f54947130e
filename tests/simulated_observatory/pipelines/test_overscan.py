from __future__ import annotations

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.images import Amplifier
from lsst.ts.simulated_observatory.pipelines.membermeasurement import level_error
from lsst.ts.simulated_observatory.pipelines.overscan import FIT_TYPES, OverscanResult, subtract_overscan
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


@pytest.mark.parametrize("fit_type", ["MEDIAN_PER_ROW", "MEAN_PER_ROW", "MEDIAN"])
def test_residual_of_the_serial_overscan_is_the_read_noise(rng: np.random.Generator, fit_type: str) -> None:
    arrays = (raw(rng.normal(2e4, 9.0, blank().shape)) for _ in range(80))
    found = [subtract_overscan(array, fit_type=fit_type).residual_sigma for array in arrays]
    assert np.mean(found) == pytest.approx(9.0, abs=9.0 * 4 * np.sqrt(0.5 / (80 * ROWS * (SERIAL - 6))))


_COLUMN = np.arange(SERIAL)


@pytest.mark.parametrize("fit_type", ["MEDIAN_PER_ROW", "MEAN_PER_ROW"])
@pytest.mark.parametrize(
    "structure",
    [40.0 * _COLUMN / SERIAL, 20.0 * (_COLUMN % 2), 80.0 * np.exp(-_COLUMN / 20.0)],
    ids=["slope", "odd", "settling"],
)
def test_what_the_rows_of_an_overscan_have_in_common_is_no_read_noise(
    structure: np.ndarray, fit_type: str, rng: np.random.Generator
) -> None:
    array = rng.normal(2e4, 8.0, blank().shape)
    array[:, PRESCAN + COLUMNS :] += structure
    result = subtract_overscan(raw(np.rint(array).astype(np.int32)), fit_type=fit_type)
    assert result.residual_sigma == pytest.approx(8.0, rel=0.03)


def test_an_overscan_of_one_row_has_a_noise(rng: np.random.Generator) -> None:
    array = rng.normal(2e4, 8.0, (1 + PARALLEL, PRESCAN + COLUMNS + SERIAL))
    amplifier = RawAmplifier(array, (slice(0, 1), IMAGING[1]), Amplifier("C00", 0, 0, COLUMNS, 1))
    assert subtract_overscan(amplifier).residual_sigma == pytest.approx(8.0, rel=0.4)


def test_constant_level_leaves_a_slope() -> None:
    array = blank(1000) + np.arange(ROWS + PARALLEL)[:, None]
    result = subtract_overscan(raw(array), fit_type="MEDIAN", parallel=False)
    assert np.ptp(result.pixels[:, 0]) == ROWS - 1


def test_overscan_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="too few columns of serial overscan"):
        subtract_overscan(raw(blank()), leading=32, trailing=32)
    with pytest.raises(ValueError, match="too few rows of parallel overscan"):
        subtract_overscan(raw(blank()), leading=24, trailing=24)


IMAGING = slice(0, ROWS), slice(PRESCAN, PRESCAN + COLUMNS)
SERIAL_PART = slice(PRESCAN + COLUMNS, None)


def flat(rng: np.random.Generator, signal: float, noise: float = 8.0) -> np.ndarray:
    """Raw flat of some signal, adu, with its photon noise, on a level of 20 000 adu."""
    array = rng.normal(20_000.0, noise, blank().shape)
    array[IMAGING] += rng.normal(signal, np.sqrt(signal), (ROWS, COLUMNS))
    return array


def found(array: np.ndarray, **options: object) -> OverscanResult:
    return subtract_overscan(raw(np.rint(array).astype(np.int32)), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("level", [120_000.0, 92_000.0, 60_000.0])
def test_pixels_above_the_level_are_saturated_even_if_all_columns_bleed(
    rng: np.random.Generator, level: float
) -> None:
    """Half of the saturation in the parallel overscan of all columns: subtracted, it would leave the rest."""
    array = flat(rng, 1.02 * level)
    array[ROWS:, IMAGING[1]] += 0.5 * level
    result = found(array, saturation=level)
    assert result.saturated.all()
    assert np.median(result.pixels) == pytest.approx(1.02 * level, rel=1e-3)


@pytest.mark.parametrize("charge", [100_000.0, 20_000.0, 400.0])
@pytest.mark.parametrize("columns", [[17], [40, 41, 42], list(range(5, 80))])
def test_columns_that_bleed_into_their_overscan_are_saturated_and_keep_their_signal(
    rng: np.random.Generator, columns: list[int], charge: float
) -> None:
    array = flat(rng, 100_000.0)
    array[ROWS:, PRESCAN + np.array(columns)] += charge
    result = found(array, saturation=120_000.0)
    assert np.flatnonzero(result.saturated.any(axis=0)).tolist() == columns
    assert result.saturated[:, columns].all()
    assert np.median(result.pixels, axis=0) == pytest.approx(100_000.0, abs=200.0)


def test_charge_in_a_few_rows_of_the_parallel_overscan_does_not_count(rng: np.random.Generator) -> None:
    clean = flat(rng, 30_000.0)
    bled = clean.copy()
    bled[ROWS : ROWS + 20, PRESCAN + 12] += 50_000.0
    result = found(bled)
    assert not result.saturated.any()
    assert np.abs(result.pixels - found(clean).pixels).max() < 8.0


@pytest.mark.parametrize("fit_type", FIT_TYPES)
@pytest.mark.parametrize("bleeding", [60_000.0, 5_000.0, 300.0])
def test_rows_that_bleed_into_most_of_their_overscan_are_saturated_and_keep_their_signal(
    rng: np.random.Generator, fit_type: str, bleeding: float
) -> None:
    """The median of 58 columns, 40 of them with charge, is that of the charge."""
    array = flat(rng, 50_000.0)
    array[30:50, SERIAL_PART][:, :40] += bleeding
    result = found(array, fit_type=fit_type)
    assert np.flatnonzero(result.saturated.any(axis=1)).tolist() == list(range(30, 50))
    assert np.median(result.pixels, axis=1) == pytest.approx(50_000.0, abs=130.0)
    assert result.residual_sigma == pytest.approx(8.0, rel=0.03)


def test_serial_overscan_full_of_charge_everywhere_is_no_level(rng: np.random.Generator) -> None:
    array = flat(rng, 90_000.0)
    array[:, SERIAL_PART] += 60_000.0
    assert found(array).saturated.all()
    result = found(array, parallel=False)
    assert result.saturated.all()
    assert np.median(result.pixels) == pytest.approx(90_000.0, rel=1e-3)  # from the prescan
    array[ROWS // 3 :, SERIAL_PART] -= 60_000.0
    result = found(array)
    assert np.flatnonzero(result.saturated.any(axis=1)).tolist() == list(range(ROWS // 3))
    assert np.median(result.pixels) == pytest.approx(90_000.0, rel=1e-3)


@pytest.mark.parametrize("charge", [100_000.0, 900.0, 90.0])
def test_cosmic_ray_in_an_overscan_does_not_change_a_mean(rng: np.random.Generator, charge: float) -> None:
    array = np.rint(rng.normal(20_000.0, 8.0, blank().shape))
    struck = array.copy()
    struck[70, -20] += charge
    struck[ROWS + 20, PRESCAN + 30] += charge
    change = found(struck, fit_type="MEAN_PER_ROW").pixels - found(array, fit_type="MEAN_PER_ROW").pixels
    # One value of 58, and of 42, is missing: a sigma divided by these.
    assert np.abs(change).max() < 5 * 8.0 / 42


@pytest.mark.parametrize("signal", [45_535.0, 45_000.0, 60_000.0])
def test_end_of_the_range_of_the_converter_saturates(rng: np.random.Generator, signal: float) -> None:
    """A converter of 16 bits: 20 000 adu above zero, a signal of 45 535 adu is the last that it gives."""
    true = flat(rng, signal)
    array = np.minimum(true, 65_535.0)
    result = found(array, saturation=120_000.0)
    np.testing.assert_array_equal(result.saturated, np.rint(true)[IMAGING] >= 65_535)
    assert result.saturated.any()


def test_good_flats_and_biases_have_no_saturated_pixel(rng: np.random.Generator) -> None:
    for noise in (1.0, 8.0, 200.0):
        for signal in (0.0, 500.0, 100_000.0):
            array = flat(rng, signal, noise)
            assert not found(array, saturation=120_000.0).saturated.any()
            # That of a noisy amplifier is not cut off.
            assert found(array).residual_sigma == pytest.approx(noise, rel=0.03, abs=0.1)
    dead = blank(20_000)
    assert not found(dead).saturated.any()
    hot = flat(rng, 500.0)
    hot[10, PRESCAN + 10] += 80_000.0
    assert not found(hot, saturation=120_000.0).saturated.any()


@pytest.mark.parametrize("fit_type", ["MEDIAN_PER_ROW", "MEAN_PER_ROW"])
@pytest.mark.parametrize("parallel", [True, False])
def test_error_of_the_level_is_what_the_level_scatters(
    rng: np.random.Generator, fit_type: str, parallel: bool
) -> None:
    results = [
        subtract_overscan(raw(rng.normal(2e4, 8.0, blank().shape)), fit_type=fit_type, parallel=parallel)
        for _ in range(300)
    ]
    means = [result.pixels.mean() for result in results]
    of_pixels = 8.0 / np.sqrt(ROWS * COLUMNS)
    expected = np.hypot(results[0].level_error, of_pixels)
    assert np.std(means) == pytest.approx(expected, rel=0.12)
    assert abs(np.mean(means)) < 4 * expected / np.sqrt(300)
    if parallel and fit_type == "MEDIAN_PER_ROW":
        assert np.std(means) == pytest.approx(level_error(8.0, ROWS * COLUMNS, ROWS, COLUMNS), rel=0.12)


@pytest.mark.parametrize("rows", [10, 30, 48])
def test_rows_of_the_parallel_overscan_that_bleed_do_not_count(rng: np.random.Generator, rows: int) -> None:
    """The level of the other rows, which they get, need not be theirs."""
    array = flat(rng, 20_000.0)
    array[ROWS : ROWS + rows] += 95.0
    array[ROWS : ROWS + rows, SERIAL_PART] += 5_000.0
    result = found(array)
    assert result.saturated.all() == (rows > 21)
    assert np.median(result.pixels) == pytest.approx(20_000.0, abs=5.0)


@pytest.mark.parametrize(
    ("trail", "signal", "flagged"),
    [
        (90.0, 30_000.0, True),
        (20.0, 30_000.0, True),
        (90.0, 90.0, False),
        (-90.0, 30_000.0, False),
    ],
)
def test_a_little_charge_in_the_overscan_of_a_column_is_not_its_level(
    trail: float, signal: float, flagged: bool, rng: np.random.Generator
) -> None:
    array = flat(rng, signal)
    array[ROWS:, PRESCAN + 17] += trail
    result = found(array)
    assert result.saturated.all(axis=0).tolist() == [flagged and column == 17 for column in range(COLUMNS)]
    assert np.median(result.pixels[:, 17]) == pytest.approx(signal if flagged else signal - trail, abs=70)


@pytest.mark.parametrize(
    ("charge", "signal", "flagged"), [(60.0, 1000.0, True), (60.0, 20_000.0, False), (60.0, 0.0, False)]
)
def test_charge_in_the_overscan_of_half_of_the_columns_is_not_their_level(
    charge: float, signal: float, flagged: bool, rng: np.random.Generator
) -> None:
    """Where it is a small part of the signal it may be the bias level of these columns."""
    array = flat(rng, signal)
    array[ROWS:, PRESCAN : PRESCAN + COLUMNS : 2] += charge
    result = found(array)
    assert result.saturated.all(axis=0).tolist() == [flagged, False] * (COLUMNS // 2)
    if flagged:
        assert np.median(result.pixels[:, ::2]) == pytest.approx(signal, abs=10)
