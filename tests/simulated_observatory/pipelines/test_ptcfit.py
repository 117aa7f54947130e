from __future__ import annotations

import math

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.curvepoints import levels, variance_model
from lsst.ts.simulated_observatory.pipelines.ptcfit import CurveFit, fit_curve

GAIN, A00, NOISE, PIXELS = 1.08, -2.5e-6, 8.5, 1_000_000
TIMES = np.array([5, 10, 15, 20, 25, 30, 35], dtype=float)


def curve(rng: np.random.Generator, means: np.ndarray) -> np.ndarray:
    variance = variance_model(means, GAIN, A00, NOISE)
    return variance * (1 + rng.normal(0, math.sqrt(2 / PIXELS), means.size))


def test_documented_seven_pairs_give_gain_and_brighter_fatter_coefficient(rng: np.random.Generator) -> None:
    means = 3050 * TIMES
    fit = fit_curve(means, curve(rng, means), np.full(7, PIXELS), NOISE)
    assert fit.gain == pytest.approx(GAIN, rel=4e-3)
    assert fit.a00 == pytest.approx(A00, rel=0.06)
    assert abs(fit.gain - GAIN) < 4 * fit.gain_error < 0.02
    assert abs(fit.a00 - A00) < 4 * fit.a00_error
    assert fit.used.all()
    assert fit.turnoff == means[-1]


def test_saturated_pairs_are_behind_the_turnoff(rng: np.random.Generator) -> None:
    means = 3050 * np.arange(3.0, 46.0, 3.0)
    variances = curve(rng, means)
    variances[means > 115_000] *= 0.3
    fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
    assert fit.turnoff == means[means <= 115_000].max()
    assert fit.gain == pytest.approx(GAIN, rel=4e-3)


def test_variance_without_brighter_fatter_is_that_of_photons_and_noise() -> None:
    np.testing.assert_allclose(
        variance_model(np.array([0.0, 1000.0]), 2.0, 0.0, 3.0), [9.0, 509.0], rtol=1e-12
    )


@pytest.mark.parametrize("means", [[], [5000.0], [math.nan, 5000.0], [0.0, 0.1, 0.2]])
def test_too_few_points_give_no_fit(means: list[float]) -> None:
    fit = fit_curve(means, [70.0] * len(means), [PIXELS] * len(means), NOISE)
    assert math.isnan(fit.gain)
    assert math.isnan(fit.turnoff)
    assert not fit.used.any()


def test_a_pair_that_is_off_is_left_out_alone() -> None:
    means = 3050 * np.arange(2.0, 36.0, 3.0)
    variances = variance_model(means, GAIN, A00, NOISE)
    variances[2] *= 1.2
    fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
    assert np.flatnonzero(~fit.used).tolist() == [2]
    assert fit.gain == pytest.approx(GAIN, rel=1e-6)


def test_behind_the_turnoff_nothing_is_used_even_where_it_lies_on_the_curve() -> None:
    means = 3050 * np.arange(3.0, 46.0, 3.0)
    variances = variance_model(means, GAIN, A00, NOISE)
    variances[-3:-1] *= 0.3
    fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
    assert fit.turnoff == means[-4]
    assert np.flatnonzero(~fit.used).tolist() == [12, 13, 14]


FAINT = 3050 * np.array([0.1, 0.35, 0.6, 0.8, 1.0, 1.35, 1.6])


def test_faint_pairs_tell_the_noise_that_bright_ones_cannot(rng: np.random.Generator) -> None:
    fit = fit_curve(FAINT, curve(rng, FAINT), np.full(7, PIXELS), 1.1 * NOISE)
    assert fit.noise_fitted
    assert fit.noise == pytest.approx(NOISE, rel=0.01)
    assert abs(fit.noise - NOISE) < 4 * fit.noise_error
    bright = 3050 * TIMES
    held = fit_curve(bright, curve(rng, bright), np.full(7, PIXELS), NOISE)
    assert not held.noise_fitted
    assert held.noise == NOISE


def test_noise_of_small_amplifiers_is_held_where_it_would_be_fitted_on_large_ones(
    rng: np.random.Generator,
) -> None:
    means = np.concatenate([FAINT, 3050 * TIMES])
    assert fit_curve(means, curve(rng, means), np.full(14, PIXELS), NOISE).noise_fitted
    assert not fit_curve(means, curve(rng, means), np.full(14, PIXELS / 16), NOISE).noise_fitted


def test_noisier_amplifier_than_its_biases_keeps_its_faint_pairs() -> None:
    means = np.concatenate([FAINT, 3050 * TIMES])
    fit = fit_curve(means, variance_model(means, GAIN, A00, 1.3 * NOISE), np.full(14, PIXELS), NOISE)
    assert fit.used.all()
    assert fit.noise == pytest.approx(1.3 * NOISE, rel=1e-4)
    assert fit.gain == pytest.approx(GAIN, rel=1e-4)


def test_turnoff_is_known_to_half_the_distance_of_the_next_pair() -> None:
    means = 3050 * np.array([5.0, 10.0, 20.0, 30.0, 38.0, 44.0])
    variances = variance_model(means, GAIN, A00, NOISE)
    assert fit_curve(means, variances, np.full(6, PIXELS), NOISE).turnoff_error == 3050 * 3
    variances[-2:] *= 0.3
    fit = fit_curve(means, variances, np.full(6, PIXELS), NOISE)
    assert (fit.turnoff, fit.turnoff_error) == (3050 * 30, 3050 * 4)


UNIT = np.full(7, float(PIXELS))


def exact(times: list[float], pixels: float = PIXELS) -> CurveFit:
    """Fit to exact pairs of some exposure times."""
    means = 3050 * np.array(times)
    return fit_curve(means, variance_model(means, GAIN, A00, NOISE), np.full(means.size, pixels), NOISE)


@pytest.mark.parametrize(
    "times", [[5, 5, 5, 20, 35], [5, 5, 5, 5, 30, 35], [0.5, 0.5, 0.5, 20, 35], [5, 5.001, 5.002, 12, 35]]
)
def test_many_pairs_of_one_level_are_no_curve_by_themselves(times: list[float]) -> None:
    fit = exact(times)
    assert fit.gain == pytest.approx(GAIN, rel=1e-6)
    assert fit.turnoff == 3050 * 35
    assert fit.used.all()


@pytest.mark.parametrize("times", [[5] * 10, [5, 5.01, 5.02, 4.99], [35, 35]])
def test_pairs_of_one_level_determine_nothing(times: list[float], rng: np.random.Generator) -> None:
    means = 3050 * np.array(times) * (1 + rng.normal(0, 1e-4, len(times)))
    fit = fit_curve(means, curve(rng, means), np.full(means.size, PIXELS), NOISE)
    assert np.isnan([fit.gain, fit.gain_error, fit.a00, fit.a00_error, fit.noise, fit.turnoff]).all()
    assert fit.reason == "pairs that can be used have 1 levels of light"


def test_levels_that_are_too_near_leave_the_gain_open(rng: np.random.Generator) -> None:
    means = 3050 * np.array([5, 5, 5.1, 5.1])
    fit = fit_curve(means, curve(rng, means), np.full(4, PIXELS / 64), NOISE)
    assert math.isnan(fit.gain)
    assert "the pairs leave the gain open" in fit.reason


@pytest.mark.parametrize("noise", [math.nan, math.inf, -1.0])
def test_without_a_noise_there_is_no_fit(noise: float) -> None:
    means = 3050 * TIMES
    fit = fit_curve(means, variance_model(means, GAIN, A00, NOISE), UNIT, noise)
    assert (math.isnan(fit.gain), fit.reason) == (True, "the noise of images without light is not known")


@pytest.mark.parametrize("value", [math.nan, math.inf, -5.0, 0.0])
@pytest.mark.parametrize("which", ["means", "variances", "pixels"])
def test_a_value_that_is_none_costs_its_pair_alone(which: str, value: float) -> None:
    means = 3050 * TIMES
    data = {"means": means, "variances": variance_model(means, GAIN, A00, NOISE), "pixels": UNIT.copy()}
    data[which] = data[which].copy()
    data[which][2] = value
    fit = fit_curve(data["means"], data["variances"], data["pixels"], NOISE)
    assert fit.gain == pytest.approx(GAIN, rel=1e-6)
    assert np.flatnonzero(~fit.used).tolist() == [2]


@pytest.mark.parametrize("off", [0.01, 0.025, 0.1, 1.0, -0.025, -0.5])
@pytest.mark.parametrize("pair", [0, 1, 3, 5])
def test_a_pair_that_is_off_costs_itself_and_not_the_gain(pair: int, off: float) -> None:
    means = 3050 * TIMES
    variances = variance_model(means, GAIN, A00, NOISE)
    variances[pair] *= 1 + off
    fit = fit_curve(means, variances, UNIT, NOISE)
    assert fit.turnoff == means[-1]
    assert fit.gain == pytest.approx(GAIN, rel=1e-6)
    assert np.flatnonzero(~fit.used).tolist() == [pair]


def test_two_pairs_that_are_off_cost_themselves_alone() -> None:
    means = 3050 * np.arange(2.0, 36.0, 3.0)
    variances = variance_model(means, GAIN, A00, NOISE)
    variances[[0, 6]] *= (1.04, 0.95)
    fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
    assert np.flatnonzero(~fit.used).tolist() == [0, 6]
    assert fit.gain == pytest.approx(GAIN, rel=1e-6)


@pytest.mark.parametrize(("pair", "off"), [(3, 0.05), (3, 0.1), (3, -0.05), (4, 0.05), (4, 0.1), (4, -0.1)])
def test_which_of_two_single_levels_is_off_cannot_be_known_and_is_in_the_error(
    pair: int, off: float, rng: np.random.Generator
) -> None:
    means = 3050 * np.array([5, 5, 5, 20, 35])
    variances = curve(rng, means)
    variances[pair] *= 1 + off
    fit = fit_curve(means, variances, np.full(5, PIXELS), NOISE)
    assert abs(fit.gain - GAIN) < 2.5 * fit.gain_error
    assert fit.gain_error > 0.003
    assert fit.chi_square > 50.0


@pytest.mark.parametrize(
    "off", [0.0, 0.005, *(pytest.param(each, marks=pytest.mark.long) for each in (0.01, 0.025, 0.1))]
)
def test_errors_are_honest_whichever_pair_is_off(off: float) -> None:
    rng, means, pulls = np.random.default_rng(12), 3050 * TIMES, []
    for number in range(300):
        variances = curve(rng, means)
        variances[number % 7] *= 1.0 + off * (-1.0) ** number
        fit = fit_curve(means, variances, UNIT, NOISE)
        pulls.append([(fit.gain - GAIN) / fit.gain_error, (fit.a00 - A00) / fit.a00_error])
    np.testing.assert_allclose(np.sqrt(np.mean(np.square(pulls), axis=0)), 1.0, atol=0.15)
    np.testing.assert_allclose(np.mean(pulls, axis=0), 0.0, atol=0.25)


@pytest.mark.parametrize(("pairs", "least"), [([2, 3, 4], 30), ([0, 6], 26)])
@pytest.mark.parametrize("off", [0.005, 0.01])
def test_pairs_that_are_off_together_are_in_the_errors(pairs: list[int], least: int, off: float) -> None:
    """Middle pairs, or both ends.

    With faults of the faintest and of the brightest alone (a00 - truth) / error is 2 (rms) for middle pairs;
    with these and those of the middle (gain - truth) / error is 3 for the ends.
    """
    rng, means, pulls = np.random.default_rng(6), 3050 * TIMES, []
    for _ in range(30):
        variances = curve(rng, means)
        variances[pairs] *= 1.0 + off
        fit = fit_curve(means, variances, UNIT, NOISE)
        if math.isfinite(fit.gain):
            pulls.append([(fit.gain - GAIN) / fit.gain_error, (fit.a00 - A00) / fit.a00_error])
    assert len(pulls) >= least
    assert np.sqrt(np.mean(np.square(pulls), axis=0)).max() < 1.3


@pytest.mark.parametrize(("scatter", "least"), [(0.0, 0.8), (0.005, 0.9), (0.01, 0.9)])
def test_errors_are_honest_if_all_pairs_scatter_by_more_than_their_photons(
    scatter: float, least: float
) -> None:
    """With errors of photons alone (gain - truth) / error is 1.9 (rms) if they scatter by 1 per cent."""
    rng, means, pulls = np.random.default_rng(12), 3050 * np.linspace(3.0, 35.0, 14), []
    for _ in range(60):
        variances = curve(rng, means) * (1.0 + rng.normal(0.0, scatter, 14))
        fit = fit_curve(means, variances, np.full(14, PIXELS), NOISE)
        if not math.isnan(fit.gain):  # four of 14 may be off the curve of the others
            pulls.append((fit.gain - GAIN) / fit.gain_error)
    assert len(pulls) > 50
    assert least < np.sqrt(np.mean(np.square(pulls))) < 1.4


@pytest.mark.parametrize(
    ("off", "times", "least"),
    [
        ([0, 1], [8.0] * 4 + [30.0] * 4, 4),
        ([4, 5], [8.0] * 4 + [30.0] * 4, 4),
        ([0, 1], [8.0] * 5 + [30.0] * 5, 10),
    ],
)
def test_pairs_of_two_levels_that_are_off_bend_no_curve(
    off: list[int], times: list[float], least: int
) -> None:
    """That a whole level is off is what two parameters take up: the points do not tell of it."""
    rng, pulls = np.random.default_rng(78), []
    for _ in range(10):
        means = 3050 * np.array(times) * (1.0 + 0.001 * rng.normal(size=len(times)))
        variances = curve(rng, means)
        variances[off] *= 1.02
        fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
        if math.isfinite(fit.gain):  # else nothing says which two of four are right
            assert fit.gain == pytest.approx(GAIN, rel=0.04)
            pulls.append((fit.gain - GAIN) / fit.gain_error)
    assert len(pulls) >= least
    assert np.abs(pulls).max(initial=0.0) < 4.0


def test_variances_that_are_next_to_nothing_give_no_gain() -> None:
    fit = fit_curve(3050 * TIMES, np.full(7, 1e-320), UNIT, NOISE)
    assert math.isnan(fit.gain)
    assert "levels of light" in fit.reason


def test_where_most_pairs_are_saturated_the_reason_says_so() -> None:
    means = np.minimum(3050 * np.array([5.0, 10.0, 16.0, 22.0, 28.0, 34.0]), 55_000.0)
    variances = variance_model(means, GAIN, A00, NOISE)
    variances[3:] *= 0.01
    fit = fit_curve(means, variances, np.full(6, PIXELS), NOISE)
    assert math.isnan(fit.gain)
    assert fit.reason.endswith("(3 of 6 have low variances: are they saturated?)")


@pytest.mark.parametrize(
    ("times", "off"),
    [
        *(([8.0, 30.0], 0), ([8.0, 30.0], 1), ([8.0] + [30.0] * 5, 0), ([8.0] * 5 + [30.0], 5)),
        *(
            ([5.0, 30.0, 32.0, 34.0, 35.0], 0),
            ([2.0, *np.arange(28.0, 36.0)], 0),
            ([8.0] * 3 + [12.0, 30.0], 4),
        ),
    ],
)
def test_a_pair_that_no_other_checks_may_be_off(
    times: list[float], off: int, rng: np.random.Generator
) -> None:
    """With errors of photons alone the gain is 4 to 13 of them off."""
    means = 3050 * np.array(times)
    for size in (0.01, -0.02):
        variances = curve(rng, means)
        variances[off] *= 1.0 + size
        fit = fit_curve(means, variances, np.full(means.size, PIXELS), NOISE)
        assert abs(fit.gain - GAIN) < 3.5 * fit.gain_error
        assert abs(fit.a00 - A00) < 3.5 * fit.a00_error
        assert 0.004 < fit.gain_error < 0.02


def test_chi_square_tells_of_a_curve_that_is_none(rng: np.random.Generator) -> None:
    means = 3050 * TIMES
    good = fit_curve(means, curve(rng, means), UNIT, NOISE)
    assert (0.1 < good.chi_square < 3.0, good.dof) == (True, 5)
    wavy = curve(rng, means) * (1 + 0.004 * np.array([1, -1, 1, -1, 1, -1, 1]))
    fit = fit_curve(means, wavy, UNIT, NOISE)
    assert fit.chi_square > 5.0
    assert fit.gain_error > 1.5 * good.gain_error
    assert abs(fit.gain - GAIN) < 3 * fit.gain_error
    two = exact([5, 35])
    assert (math.isnan(two.chi_square), two.dof) == (True, 0)


def test_one_low_pair_is_no_turnoff_and_two_are() -> None:
    means = 3050 * np.arange(3.0, 36.0, 3.0)
    variances = variance_model(means, GAIN, A00, NOISE)
    variances[7] *= 0.8
    assert fit_curve(means, variances, np.full(11, PIXELS), NOISE).turnoff == means[-1]
    variances[8] *= 0.8
    fit = fit_curve(means, variances, np.full(11, PIXELS), NOISE)
    assert fit.turnoff == means[6]
    assert fit.gain == pytest.approx(GAIN, rel=1e-5)


def test_levels_are_counted_and_not_pairs() -> None:
    assert [levels(np.array(each)) for each in ([], [5.0], [5.0, 5.04], [5.0, 5.06, 9.0])] == [0, 1, 1, 3]


@pytest.mark.parametrize("kind", ["constant", "falling", "tiny gain"])
def test_variances_that_are_not_those_of_photons_give_no_gain(kind: str) -> None:
    mean = 3300.0 * np.array([5.0, 10.0, 15.0, 20.0, 25.0, 30.0])
    variance = {"constant": np.full(6, 15_000.0), "falling": mean[::-1] / 1.05, "tiny gain": mean / 0.03}[
        kind
    ]
    fit = fit_curve(mean, variance, np.full(6, 900_000), 8.3)
    assert math.isnan(fit.gain)
    assert ("no amplifier has the gain" if kind == "tiny gain" else "off any curve") in fit.reason


@pytest.mark.parametrize(
    ("off", "number"), [([0, 2, 4, 6], 8), ([0, 2, 4], 6), ([0, 1, 3, 4], 6), ([1, 4], 6)]
)
def test_where_no_great_majority_agrees_nothing_says_which_is_right(off: list[int], number: int) -> None:
    means = 3050 * np.linspace(4.0, 32.0, number)
    variances = variance_model(means, GAIN, A00, NOISE)
    variances[off] *= 1.05
    found = fit_curve(means, variances, np.full(number, PIXELS), NOISE)
    assert math.isnan(found.gain)
    assert "which are right is open" in found.reason


@pytest.mark.parametrize("off", [0.02, -0.02, 0.05])
@pytest.mark.parametrize(
    ("group", "number"), [([0, 1, 2], 7), ([4, 5, 6], 7), ([0, 1, 2], 6), ([0, 1, 2, 3], 9), ([0, 1], 5)]
)
def test_pairs_that_are_off_together_are_in_the_error_of_the_gain(
    group: list[int], number: int, off: float, rng: np.random.Generator
) -> None:
    means = 3050 * np.linspace(5.0, 35.0, number)
    variances = curve(rng, means)
    good = fit_curve(means, variances, np.full(number, PIXELS), NOISE)
    variances[group] *= 1 + off
    fit = fit_curve(means, variances, np.full(number, PIXELS), NOISE)
    assert abs(fit.gain - GAIN) < 3 * fit.gain_error
    assert fit.gain_error > max(3 * good.gain_error, abs(off) / 4)


def test_a_pair_is_not_rejected_where_another_may_be_off_instead() -> None:
    """The faintest is off by 1 %, and by chance the next one seems to be off by 5.5 sigma."""
    means = 3050 * TIMES
    variances = curve(np.random.default_rng(63), means)
    variances[0] *= 0.99
    fit = fit_curve(means, variances, UNIT, NOISE)
    assert fit.used.all()
    assert abs(fit.gain - GAIN) < 2.5 * fit.gain_error
