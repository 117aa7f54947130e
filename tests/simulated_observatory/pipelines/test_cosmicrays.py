from __future__ import annotations

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.cosmicrays import CosmicRayFinder, TooManyCosmicRaysError


def star(shape: tuple[int, int], y: float, x: float, fwhm: float = 3.0) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * (fwhm / 2.3548) ** 2))


def test_tracks_and_spots_are_found_whole(rng: np.random.Generator) -> None:
    pixels = rng.normal(0.0, 9.0, (200, 300)).astype(np.float32)
    rows = np.arange(50, 80)
    pixels[rows, 2 * rows] += 900.0
    pixels[100, 100] += 2000.0
    struck = CosmicRayFinder().find(pixels, 0.0, 9.0)
    assert struck[rows, 2 * rows].all()
    assert struck[100, 100]
    assert np.count_nonzero(struck) < 45
    assert pixels[~struck].std() == pytest.approx(9.0, rel=0.02)


def test_noise_is_no_cosmic_ray(rng: np.random.Generator) -> None:
    pixels = rng.normal(100.0, 9.0, (500, 500)).astype(np.float32)
    assert not CosmicRayFinder().find(pixels, 100.0, 9.0).any()


def test_light_is_no_cosmic_ray() -> None:
    pixels = (3000.0 * star((60, 60), 30.2, 29.7)).astype(np.float32)
    assert not CosmicRayFinder().find(pixels, 0.0, 9.0).any()


def test_events_need_a_minimum_charge() -> None:
    pixels = np.zeros((20, 20), np.float32)
    pixels[5, 5], pixels[12, 12] = 140.0, 160.0
    struck = CosmicRayFinder().find(pixels, 0.0, 9.0)
    assert np.argwhere(struck).tolist() == [[12, 12]]


def test_image_without_noise_has_none() -> None:
    assert not CosmicRayFinder().find(np.ones((5, 5), np.float32), 0.0, 0.0).any()


def test_edges_and_corners_are_searched() -> None:
    pixels = np.zeros((10, 10), np.float32)
    pixels[0, 0] = pixels[9, 4] = 1000.0
    # At an edge the missing neighbour counts as the pixel itself; other directions show how sharp it is.
    assert CosmicRayFinder().find(pixels, 0.0, 9.0)[9, 4]


def test_too_many_are_an_error(rng: np.random.Generator) -> None:
    pixels = rng.normal(0.0, 9.0, (100, 100)).astype(np.float32)
    pixels[rng.random(pixels.shape) < 0.06] += 1000.0
    with pytest.raises(TooManyCosmicRaysError):
        CosmicRayFinder().find(pixels, 0.0, 9.0)
    pixels[::2] += 1000.0
    with pytest.raises(TooManyCosmicRaysError):
        CosmicRayFinder().find(pixels, 0.0, 9.0)


def test_faint_neighbours_belong_to_a_cosmic_ray() -> None:
    pixels = np.zeros((20, 20), np.float32)
    pixels[10, 5:9] = 40.0, 2000.0, 35.0, 30.0
    pixels[3, 3] = 40.0
    struck = CosmicRayFinder().find(pixels, 0.0, 9.0)
    assert np.argwhere(struck).tolist() == [[10, 5], [10, 6], [10, 7], [10, 8]]


@pytest.mark.parametrize("fraction", [0.025, 0.3])
def test_pixels_that_are_skipped_are_neither_cosmic_rays_nor_too_many(
    rng: np.random.Generator, fraction: float
) -> None:
    pixels = rng.normal(0.0, 9.0, (200, 200)).astype(np.float32)
    known = rng.random(pixels.shape) < fraction
    known[98:103, 98:103] = False
    pixels[known] += 5_000.0
    pixels[known & (rng.random(pixels.shape) < 0.1)] = np.nan
    pixels[98:103, 98:103] = 0.0
    pixels[100, 100] = 3_000.0
    pixels[100, 101], known[100, 101] = 2_000.0, True
    with pytest.raises(TooManyCosmicRaysError):
        CosmicRayFinder().find(pixels, 0.0, 9.0)
    struck = CosmicRayFinder().find(pixels, 0.0, 9.0, known)
    assert np.argwhere(struck).tolist() == [[100, 100]]


def test_most_of_few_searched_pixels_are_still_too_many(rng: np.random.Generator) -> None:
    """What is skipped does not raise the number that is allowed."""
    pixels = rng.normal(0.0, 9.0, (200, 200)).astype(np.float32)
    skipped = np.ones(pixels.shape, dtype=bool)
    skipped[:20] = False
    pixels[:20][rng.random((20, 200)) < 0.05] += 1_000.0
    assert CosmicRayFinder().find(pixels, 0.0, 9.0).any()
    with pytest.raises(TooManyCosmicRaysError):
        CosmicRayFinder().find(pixels, 0.0, 9.0, skipped)


def test_pixel_that_is_no_number_is_no_cosmic_ray_and_hides_none() -> None:
    pixels = np.zeros((20, 20), np.float32)
    pixels[5, 5], pixels[5, 6], pixels[12, 12] = np.inf, np.nan, 1_000.0
    pixels[5, 7] = 1_000.0
    struck = CosmicRayFinder().find(pixels, 0.0, 9.0)
    assert np.argwhere(struck).tolist() == [[5, 7], [12, 12]]
