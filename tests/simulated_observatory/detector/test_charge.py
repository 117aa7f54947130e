"""Where charge comes from and how it spreads: Poisson, brighter-fatter, cosmic rays."""

from __future__ import annotations

import numpy as np
import pytest

from lsst.ts.simulated_observatory.detector.charge import (
    NEIGHBOURS,
    PACKET,
    PixelCharges,
    brighter_fatter,
    collect_charge,
    cosmic_rays,
)

A00 = -2.5e-6
NOTHING = PixelCharges(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.float32))


@pytest.mark.parametrize("mean", [0.04, 0.6, 5.0, 60.0, 500.0, 20000.0])
@pytest.mark.parametrize("part", [0.0, 0.3, 1.0])
def test_charge_from_light_and_other_sources_is_poisson(mean: float, part: float) -> None:
    light, uniform = part * mean, (1 - part) * mean
    charge = collect_charge(
        np.random.default_rng(1),
        light,
        np.ones((400, 400), np.float32),
        uniform,
        a00=0.0,
        extra=NOTHING,
    )
    assert charge.dtype == np.float32
    assert charge.mean() == pytest.approx(mean, abs=5 * np.sqrt(mean) / 400)
    # The variance of a variance of Poisson numbers is (mean + 2 mean^2) / N.
    assert charge.var() == pytest.approx(mean, abs=5 * np.sqrt(mean + 2 * mean**2) / 400)
    if mean < 100:
        np.testing.assert_array_equal(charge, np.rint(charge))


def test_extra_charge_of_a_pixel_adds_up() -> None:
    extra = PixelCharges(np.array([4, 4]), np.array([3, 3]), np.full(2, 9e4, np.float32))
    charge = collect_charge(
        np.random.default_rng(1), 0.0, np.ones((8, 8), np.float32), 0.0, a00=A00, extra=extra
    )
    assert charge[3, 4] == charge.sum() == np.float32(1.8e5)


def test_brighter_fatter_leaves_an_even_image_as_it_is() -> None:
    charge = np.full((30, 40), 1e5, np.float32)
    brighter_fatter(charge, 1e5, A00)
    np.testing.assert_allclose(charge, 1e5, rtol=1e-6)


def test_brighter_fatter_moves_charge_and_loses_none() -> None:
    charge = np.full((41, 41), 1e4, np.float32)
    charge[20, 20] += 1000.0
    before = charge.astype(np.float64)
    brighter_fatter(charge, 1e4, A00)
    moved = charge - before
    assert moved.sum() == pytest.approx(0.0, abs=0.1)
    first = 1000.0 * abs(A00) * 1e4 / 2
    assert moved[20, 20] == pytest.approx(-first, rel=0.03)
    assert moved[21, 20] == pytest.approx(NEIGHBOURS[0] * first, rel=0.05)
    assert moved[20, 21] == pytest.approx(NEIGHBOURS[1] * first, rel=0.05)
    assert moved[21, 21] == pytest.approx(NEIGHBOURS[2] * first, rel=0.05)
    assert moved[22, 20] == pytest.approx(NEIGHBOURS[3] * first, rel=0.05)


@pytest.mark.parametrize("mean", [1e4, 6e4, 1.1e5])
def test_brighter_fatter_is_the_root_of_the_covariances_of_astier_2019(mean: float) -> None:
    """Against a Fourier filter with sqrt([exp(2 a mu) - 1] / (2 a mu)), of which three orders are kept."""
    size = 64
    noise = np.random.default_rng(2).normal(0.0, np.sqrt(mean), (size, size))
    kernel = np.zeros((size, size))
    kernel[0, 0] = -1.0
    for y, x, value in [(1, 0, 0), (0, 1, 1), (1, 1, 2), (2, 0, 3), (0, 2, 3)]:
        for place in {(y, x), (-y, x), (y, -x), (-y, -x)}:
            kernel[place] = NEIGHBOURS[value]
    assert kernel.sum() == pytest.approx(0.0)
    flux = abs(A00) * mean * np.real(np.fft.fft2(kernel))
    root = np.sqrt(np.where(flux == 0, 1.0, np.expm1(2 * flux) / np.where(flux == 0, 1.0, 2 * flux)))
    expected = np.real(np.fft.ifft2(np.fft.fft2(noise) * root))
    charge = (mean + noise).astype(np.float32)
    brighter_fatter(charge, mean, A00)
    inner = np.s_[8:-8, 8:-8]
    error = (charge - mean - expected)[inner].std() / expected[inner].std()
    assert error < 0.05 * (1.3 * abs(A00) * mean) ** 4 + 2e-5


def test_cosmic_rays_come_at_their_rate_with_the_charge_of_muons() -> None:
    x, y, charge = cosmic_rays(np.random.default_rng(3), 4072, 4000, 600.0)
    # 3 per cm2 and minute on 16.3 cm2 in 10 minutes: 489 events, of 100 um times 75 electron/um or more.
    assert 489 * 7500 < charge.sum() < 489 * 30000
    assert (x.min(), y.min()) >= (0, 0)
    assert x.max() < 4072
    assert y.max() < 4000
    touched = np.unique(np.stack([x, y]), axis=1).shape[1]
    assert 3 < touched / 489 < 50
    assert set(charge) == {np.float32(PACKET)}


def test_bias_of_two_seconds_has_about_one_cosmic_ray() -> None:
    totals = [cosmic_rays(np.random.default_rng(seed), 4072, 4000, 1.0).charge.sum() for seed in range(200)]
    assert np.mean(np.array(totals) == 0) == pytest.approx(np.exp(-0.81), abs=0.12)
