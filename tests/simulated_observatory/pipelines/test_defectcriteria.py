from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.cosmicrays import CosmicRayFinder
from lsst.ts.simulated_observatory.pipelines.criteria import verified_image
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane

Values = dict[str, dict[str, Any]]
ImageMaker = Callable[..., DetectorImage]
MEAN = 16_500.0


def verified(image: DetectorImage) -> tuple[Values, Values]:
    """Statistics and test results of the amplifiers."""
    result = verified_image(image, "DEFECTS", CosmicRayFinder())
    return result["AMP"], result["VERIFY"]["AMP"]


@pytest.fixture
def flat(rng: np.random.Generator, image_of: ImageMaker) -> DetectorImage:
    """A flat with a bad column and a dark border in C10, both known to be defects."""
    image = image_of(rng.normal(MEAN, math.sqrt(MEAN), (300, 400)))
    image.pixels("C10")[100:, 50] *= 0.7
    image.pixels("C10")[:5] *= 0.98
    image.flags("C10")[100:, 50] = MaskPlane.BAD
    image.flags("C10")[:5] = MaskPlane.BAD
    return image


def test_flat_is_better_without_its_defects(flat: DetectorImage) -> None:
    values = verified(flat)[0]["C10"]
    assert values["DEFECT_PIXELS"] == 5 * 200 + 200
    assert values["FRAC"] == 1200 / 60_000
    assert values["UNMASKED_OUTLIERS"] >= 195 + values["OUTLIERS"]
    assert values["STDEV"] == pytest.approx(math.sqrt(MEAN), rel=0.02)
    assert values["UNMASKED_STDEV"] > 1.02 * values["STDEV"]
    assert values["UNMASKED_MIN"] < 0.75 * MEAN < values["MIN"]
    assert values["MAX"] == values["UNMASKED_MAX"]
    assert values["MEDIAN"] == pytest.approx(MEAN, rel=1e-3)
    assert verified(flat)[1]["C10"] == {
        "OUTLIERS": True,
        "STDEV": True,
        "MIN": True,
        "MAX": True,
        "SUCCESS": True,
        "PROB_TEST": False,
    }


def test_amplifier_whose_defects_are_its_best_pixels_fails(flat: DetectorImage) -> None:
    """Good pixels are masked, and the noisy ones are not."""
    flat.flags("C11")[:200] = MaskPlane.BAD
    flat.pixels("C11")[200:] += 300.0 * np.sign(flat.pixels("C11")[200:] - MEAN)
    _, results = verified(flat)
    assert not results["C11"]["STDEV"]
    assert not results["C11"]["SUCCESS"]
    assert results["C10"]["SUCCESS"]


def test_pixels_that_chance_cannot_explain_are_as_many_as_there_are_defects(
    rng: np.random.Generator, image_of: ImageMaker
) -> None:
    image = image_of(rng.uniform(-1.0, 1.0, (300, 400)))
    image.pixels("C10")[7, 10:17] = 50.0
    image.flags("C10")[7, 10:17] = MaskPlane.BAD
    statistics, results = verified(image)
    assert statistics["C10"]["STAT_OUTLIERS"] == 7
    assert results["C10"]["PROB_TEST"]


def test_limit_of_chance_is_where_the_normal_density_is_one_pixel(image_of: ImageMaker) -> None:
    image = image_of(100.0 + np.tile([-1.0, 1.0], (300, 200)))
    number = 60_000
    limit = math.sqrt(-2.0 * math.log(math.sqrt(2.0 * math.pi) / number))
    image.pixels("C10")[0, :2] = 100.0 + 0.999 * limit, 100.0 - 1.001 * limit
    image.flags("C10")[0, :2] = MaskPlane.BAD
    assert verified(image)[0]["C10"]["STAT_OUTLIERS"] == 1


def test_statistics_that_are_not_finite_never_pass(flat: DetectorImage) -> None:
    flat.flags("C10")[:] = MaskPlane.BAD
    flat.pixels("C11")[3, 4] = math.nan
    _, results = verified(flat)
    assert not any(results["C10"].values())
    assert not results["C11"]["MIN"]
    assert not results["C11"]["SUCCESS"]
