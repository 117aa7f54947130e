"""Tests that cp_verify does not have, on images of known truth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import yaml

from lsst.ts.simulated_observatory.pipelines.addedcriteria import (
    added_tests,
    clipped_amplifiers,
    predicted_variance,
)
from lsst.ts.simulated_observatory.pipelines.cosmicrays import CosmicRayFinder
from lsst.ts.simulated_observatory.pipelines.criteria import verified_image
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane

ImageMaker = Callable[..., DetectorImage]
NOISE, TIME = 9.0, 30.0


def added(image: DetectorImage, kind: str) -> tuple[dict[str, dict[str, bool]], dict[str, dict[str, Any]]]:
    return added_tests(image, kind, clipped_amplifiers(image))


def dark(
    rng: np.random.Generator, image_of: ImageMaker, level: float = 0.0, rate: float = 0.02
) -> DetectorImage:
    values = {"LSST ISR DARK RATE C10": rate, "LSST ISR DARK RATE C11": rate, "DARKTIME": TIME}
    return image_of(level + rng.normal(0.0, NOISE, (300, 400)), **values)


def flat(
    rng: np.random.Generator, image_of: ImageMaker, level: float, factor: float, inputs: int | None = None
) -> DetectorImage:
    """Noise of photons and readout times a factor in C10, and as it is in C11."""
    sigma = np.sqrt(predicted_variance(level, NOISE, a00=-2.5e-6))
    pixels = rng.normal(0.0, sigma, (300, 400))
    pixels[:, :200] *= factor
    return image_of(
        level + pixels,
        **{
            "LSST ISR IMAGENOISE C10": NOISE,
            "LSST ISR IMAGENOISE C11": NOISE,
            "LSST ISR FLAT INPUTS": inputs,
        },
    )


@pytest.mark.parametrize(
    ("level", "passed"), [(0.0, True), (0.5, True), (4.0, False), (-4.0, False), (1.6, False)]
)
def test_level_of_a_bias_is_judged_by_its_error(
    level: float, passed: bool, rng: np.random.Generator, image_of: ImageMaker
) -> None:
    tests, values = added(dark(rng, image_of, level), "BIAS")
    assert tests == {name: {"LEVEL": passed} for name in ("C10", "C11")}
    assert values["ADDED"]["C10"]["LEVEL"] == pytest.approx(level, abs=0.2)


@pytest.mark.parametrize(
    ("level", "rate", "passed"),
    [(0.0, 0.02, True), (0.0, 0.25, False), (0.23 * TIME, 0.02, False), (0.0, np.nan, False)],
)
def test_dark_current_has_an_absolute_limit(
    level: float, rate: float, passed: bool, rng: np.random.Generator, image_of: ImageMaker
) -> None:
    tests, values = added(dark(rng, image_of, level, rate), "DARK")
    assert {each["DARK_CURRENT"] for each in tests.values()} == {passed}
    found = values["ADDED"]["C11"]["DARK_CURRENT"]
    assert np.isnan(rate) or found == pytest.approx(rate + level / TIME, abs=0.01)


@pytest.mark.parametrize("level", [330.0, 16_000.0, 60_000.0, 110_000.0])
@pytest.mark.parametrize(("factor", "passed"), [(1.0, True), (0.98, True), (0.75, False), (0.03, False)])
def test_flat_with_less_noise_than_its_photons_is_saturated_or_clipped(
    level: float, factor: float, passed: bool, rng: np.random.Generator, image_of: ImageMaker
) -> None:
    image = flat(rng, image_of, level, factor)
    tests, found = added(image, "FLAT")
    noise, (lowest, highest) = found["ADDED"]["C10"]["NOISE_FLOOR"], found["LIMITS"]["C10"]["NOISE_FLOOR"]
    assert noise == pytest.approx(float(image.pixels("C10").std()), rel=0.01)
    assert ((noise >= lowest) is passed, highest) == (True, None)
    assert lowest == pytest.approx(0.8**0.5 * found["REFERENCES"]["C10"]["NOISE_FLOOR"])
    assert (tests["C10"], tests["C11"]) == ({"NOISE_FLOOR": passed}, {"NOISE_FLOOR": True})


def test_flat_that_is_part_of_the_combined_flat_has_less_noise(
    rng: np.random.Generator, image_of: ImageMaker
) -> None:
    made = flat(rng, image_of, 16_000.0, np.sqrt(1.0 - 1.0 / 3.0), inputs=3)
    assert added(made, "FLAT")[0]["C10"]["NOISE_FLOOR"]
    made.metadata["LSST ISR FLAT INPUTS"] = None
    assert not added(made, "FLAT")[0]["C10"]["NOISE_FLOOR"]


def test_an_image_without_noise_has_no_level(image_of: ImageMaker) -> None:
    """As a bias that is compared with itself."""
    assert not added(image_of(np.zeros((300, 400))), "BIAS")[0]["C10"]["LEVEL"]


def test_what_cannot_be_measured_never_passes(rng: np.random.Generator, image_of: ImageMaker) -> None:
    image = dark(rng, image_of)
    image.flags("C10")[:] = MaskPlane.BAD
    for kind in ("BIAS", "DARK", "FLAT"):
        assert not any(added(image, kind)[0]["C10"].values())


def test_documented_results_do_not_change(rng: np.random.Generator, image_of: ImageMaker) -> None:
    image = dark(rng, image_of, 4.0)
    image.metadata |= {f"LSST ISR IMAGENOISE {name}": NOISE for name in image.amplifiers}
    found = verified_image(image, "BIAS", CosmicRayFinder())
    assert yaml.safe_load(yaml.safe_dump(found))["VERIFY"] == found["VERIFY"]
    assert found["SUCCESS"]
    assert found["VERIFY"]["AMP"]["C10"]["SUCCESS"]
    assert not found["VERIFY"]["AMP"]["C10"]["LEVEL"]
    assert found["METADATA"]["ADDED"]["C10"]["LEVEL"] == pytest.approx(4.0, abs=0.2)
