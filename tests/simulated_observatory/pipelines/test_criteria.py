from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.cosmicrays import CosmicRayFinder
from lsst.ts.simulated_observatory.pipelines.criteria import verified_image
from lsst.ts.simulated_observatory.pipelines.images import Amplifier, DetectorImage, MaskPlane

ImageMaker = Callable[..., DetectorImage]
NOISE = 9.0


def nominal(noise: float | None = NOISE, overscan: float = 8.4) -> dict[str, float | None]:
    """Metadata of a detector with a gain of 1.07."""
    metadata: dict[str, float | None] = {}
    for name in ("C10", "C11"):
        metadata |= {
            f"LSST ISR IMAGENOISE {name}": noise,
            f"LSST ISR READNOISE {name}": 9.0,
            f"LSST ISR GAIN {name}": 1.07,
            f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}": overscan,
        }
    return metadata


def verified(
    image: DetectorImage, metadata: dict[str, float | None] | None = None
) -> dict[str, dict[str, bool]]:
    image.metadata = dict(nominal() if metadata is None else metadata)
    return results_of(image, "BIAS")[0]


def results_of(image: DetectorImage, kind: str) -> tuple[dict[str, dict[str, bool]], dict[str, bool]]:
    """Results of the tests of the amplifiers and of the detector."""
    result = verified_image(image, kind, CosmicRayFinder())
    return result["VERIFY"]["AMP"], result["VERIFY"]["DET"]


@pytest.fixture
def bias(rng: np.random.Generator, image_of: ImageMaker) -> DetectorImage:
    return image_of(rng.normal(0.0, NOISE, (300, 400)))


def test_healthy_bias_passes(bias: DetectorImage) -> None:
    passed = dict.fromkeys(("MEAN", "NOISE", "CR_NOISE", "SUCCESS", "READ_NOISE_CONSISTENT", "LEVEL"), True)
    assert verified(bias) == {"C10": passed, "C11": passed}


@pytest.mark.parametrize(("factor", "good"), [(0.80, False), (0.97, True), (1.03, True), (1.2, False)])
def test_noise_may_be_neither_too_high_nor_too_low(bias: DetectorImage, factor: float, good: bool) -> None:
    bias.pixels("C11")[:] *= factor
    results = verified(bias)
    assert results["C11"]["NOISE"] is good
    assert results["C11"]["SUCCESS"] is good
    assert results["C10"]["SUCCESS"]


def test_mean_may_not_be_a_sigma_away(bias: DetectorImage) -> None:
    bias.pixels("C10")[:] += 0.9 * NOISE
    bias.pixels("C11")[:] -= 1.1 * NOISE
    results = verified(bias)
    assert results["C10"]["MEAN"]
    assert not results["C11"]["MEAN"]


def test_cosmic_rays_are_repaired_before_noise_is_compared(bias: DetectorImage) -> None:
    bias.pixels("C10")[100:140, 50] += 3_000.0
    assert bias.pixels("C10").std() > 2.4 * NOISE
    assert verified(bias)["C10"]["CR_NOISE"]


def test_structure_that_is_no_cosmic_ray_fails(bias: DetectorImage, rng: np.random.Generator) -> None:
    """Broad spots inflate the noise, but not the clipped noise."""
    rows, columns = np.mgrid[:300, :200]
    bias.pixels("C10")[:] += 800 * np.exp(-((rows - 100) ** 2 + (columns - 80) ** 2) / (2 * 6.0**2))
    assert not verified(bias)["C10"]["CR_NOISE"]


def test_masked_pixels_do_not_count(bias: DetectorImage) -> None:
    bias.pixels("C10")[:, 7] = 1e5
    bias.flags("C10")[:, 7] = MaskPlane.BAD
    assert verified(bias)["C10"]["SUCCESS"]


@pytest.mark.parametrize("plane", [MaskPlane.BAD, MaskPlane.NO_DATA, MaskPlane.BAD | MaskPlane.INTRP])
def test_known_bad_pixels_are_not_too_many_cosmic_rays(
    bias: DetectorImage, rng: np.random.Generator, plane: MaskPlane
) -> None:
    """2.5 per cent of one amplifier are hot and flagged, not interpolated."""
    hot = rng.random((300, 200)) < 0.025
    bias.pixels("C10")[hot] += 5_000.0
    bias.flags("C10")[hot] = plane
    bias.metadata = dict(nominal())
    statistics = verified_image(bias, "BIAS", CosmicRayFinder())
    assert statistics["SUCCESS"]
    for name in ("C10", "C11"):
        assert "FORCE_FAILURE" not in statistics["AMP"][name]
        assert statistics["AMP"][name]["CR_NOISE"] == pytest.approx(NOISE, rel=0.02)
        assert abs(statistics["AMP"][name]["AMP_CORNER"]) < 0.5


@pytest.mark.parametrize("plane", [MaskPlane.SAT, MaskPlane.INTRP])
def test_saturated_and_interpolated_pixels_are_no_cosmic_rays(
    bias: DetectorImage, rng: np.random.Generator, plane: MaskPlane
) -> None:
    where = rng.random((300, 200)) < 0.05
    bias.pixels("C10")[where] += 200.0
    bias.flags("C10")[where] = plane
    assert "PROCESSING" not in verified(bias)["C10"]


def test_corner_without_a_good_pixel_has_no_value(bias: DetectorImage) -> None:
    bias.pixels("C11")[:150, :100] = 3_000.0
    bias.flags("C11")[:150, :100] = MaskPlane.BAD
    statistics = verified_image(bias, "BIAS", CosmicRayFinder())["AMP"]
    assert math.isnan(statistics["C11"]["AMP_CORNER"])
    assert abs(statistics["C10"]["AMP_CORNER"]) < 0.5


def test_too_many_cosmic_rays_fail_processing_everywhere(
    bias: DetectorImage, rng: np.random.Generator
) -> None:
    bias.pixels("C10")[rng.random((300, 200)) < 0.05] += 1000.0
    results = verified(bias)
    assert not results["C10"]["PROCESSING"]
    assert not results["C11"]["PROCESSING"]
    assert not results["C11"]["SUCCESS"]


def test_read_noise_that_differs_is_reported_and_does_not_count(bias: DetectorImage) -> None:
    results = verified(bias, nominal(overscan=9.5))
    assert results["C10"]["READ_NOISE_CONSISTENT"] is False
    assert results["C10"]["SUCCESS"] is True


@pytest.mark.parametrize("overscan", [0.0, 1e-9, 0.25, -8.4, math.nan])
def test_overscan_without_noise_is_not_consistent(bias: DetectorImage, overscan: float) -> None:
    assert verified(bias, nominal(overscan=overscan))["C10"]["READ_NOISE_CONSISTENT"] is False


@pytest.mark.parametrize("noise", [None, math.nan, 0.0])
def test_without_a_nominal_noise_nothing_passes(bias: DetectorImage, noise: float | None) -> None:
    assert verified(bias, nominal(noise))["C10"]["NOISE"] is False


def test_statistics_that_are_not_finite_never_pass(bias: DetectorImage) -> None:
    bias.pixels("C10")[:] = math.nan
    results = verified(bias)
    assert not any(results["C10"].values()) or results["C10"] == {
        **dict.fromkeys(("MEAN", "NOISE", "CR_NOISE", "SUCCESS", "LEVEL"), False),
        "READ_NOISE_CONSISTENT": True,
    }
    assert results["C11"]["SUCCESS"]


def test_zeros_never_pass(image_of: ImageMaker) -> None:
    results = verified(image_of(np.zeros((300, 400))))
    assert not any(results["C10"][test] for test in ("MEAN", "NOISE", "CR_NOISE", "SUCCESS"))


def test_corner_is_recorded_where_the_readout_is(image_of: ImageMaker) -> None:
    array = np.zeros((400, 800))
    array[200:, 200:400] = 5.0  # C10 is mirrored in both directions: its corner is at the upper right
    array[:200, 400:600] = 3.0
    statistics = verified_image(image_of(array), "BIAS", CosmicRayFinder())["AMP"]
    assert statistics["C10"]["AMP_CORNER"] == 5.0
    assert statistics["C11"]["AMP_CORNER"] == 3.0


def flat(rng: np.random.Generator, image_of: ImageMaker, variance_per_mean: float) -> DetectorImage:
    mean = 15_000.0
    return image_of(rng.normal(mean, math.sqrt(variance_per_mean * mean), (300, 400)))


@pytest.mark.parametrize(("ratio", "good"), [(0.97, True), (1.03, False)])
def test_noise_of_a_flat_is_at_most_that_of_its_photons(
    ratio: float, good: bool, rng: np.random.Generator, image_of: ImageMaker
) -> None:
    results, detector = results_of(flat(rng, image_of, ratio), "FLAT")
    assert results["C10"] == {"NOISE": good, "SUCCESS": good, "NOISE_FLOOR": True}
    assert detector == {"SCATTER": True, "SUCCESS": True}


@pytest.mark.parametrize(("inputs", "known"), [(1, False), (2, False), (3, True), (None, True)])
def test_a_flat_shows_nothing_where_it_is_compared_with_itself(
    inputs: int | None, known: bool, rng: np.random.Generator, image_of: ImageMaker
) -> None:
    """A combination of one or two flats takes up what is wrong with them; of others it does not."""
    image = flat(rng, image_of, 0.9)
    image.image[:] = 16_500.0 + (image.image - 16_500.0) * np.sqrt(1.0 - 1.0 / (inputs or np.inf))
    image.metadata["LSST ISR FLAT INPUTS"] = inputs
    found = verified_image(image, "FLAT", CosmicRayFinder())
    assert found["SUCCESS"] is known
    assert {each[test] for each in found["VERIFY"]["AMP"].values() for test in ("NOISE", "NOISE_FLOOR")} == {
        known
    }
    assert math.isfinite(found["AMP"]["C10"]["NOISE"]) is math.isfinite(found["DET"]["SCATTER"]) is known
    assert ("NOISE" in found["METADATA"]["NOT_TESTED"]) is not known


@pytest.mark.parametrize("kind", ["BIAS", "DARK", "FLAT"])
@pytest.mark.parametrize(("part", "known"), [(0.0005, False), (0.06, False), (0.45, False), (0.55, True)])
def test_few_pixels_do_not_stand_for_an_amplifier(
    part: float, known: bool, kind: str, rng: np.random.Generator, image_of: ImageMaker
) -> None:
    image = flat(rng, image_of, 0.9) if kind == "FLAT" else image_of(rng.normal(0.0, NOISE, (300, 400)))
    image.metadata |= nominal() | {"DARKTIME": 30.0, "LSST ISR DARK RATE C10": 0.02}
    image.flags("C10")[rng.random((300, 200)) >= part] = MaskPlane.NO_DATA
    found = verified_image(image, kind, CosmicRayFinder())
    values = found["AMP"]["C10"]
    number = np.count_nonzero(image.flags("C10") == 0)
    assert values.pop("NPIXELS") == number
    assert {math.isfinite(value) for value in values.values()} == {known}
    tests = found["VERIFY"]["AMP"]["C10"]
    tests.pop("READ_NOISE_CONSISTENT", None)  # of the overscan
    assert set(tests.values()) == {known}
    assert found["VERIFY"]["AMP"]["C11"]["SUCCESS"]
    reasons = found["METADATA"]["NOT_TESTED"]
    assert reasons == ({} if known else {"C10": f"{number} of 60000 pixels are usable, at least 50% must be"})


def test_amplifier_without_light_fails_noise_and_scatter(
    rng: np.random.Generator, image_of: ImageMaker
) -> None:
    image = flat(rng, image_of, 0.95)
    image.pixels("C11")[:] = rng.normal(0.0, 9.0, (300, 200))
    results, detector = results_of(image, "FLAT")
    assert results["C10"]["SUCCESS"]
    assert not results["C11"]["NOISE"]
    assert not detector["SCATTER"]


@pytest.mark.parametrize("value", [math.nan, -3.0, 0.0])
def test_flat_without_a_positive_mean_fails(value: float, image_of: ImageMaker) -> None:
    results, detector = results_of(image_of(np.full((20, 40), value)), "FLAT")
    assert not results["C10"]["NOISE"]
    assert not detector["SCATTER"]


@pytest.mark.parametrize(("percent", "good"), [(4.9, True), (5.1, False)])
@pytest.mark.parametrize("amplifiers", [2, 16])
def test_scatter_of_the_amplifiers_is_that_of_a_sample(percent: float, good: bool, amplifiers: int) -> None:
    """With n - 1: the means are a sample, and few (cp_verify, verifyFlat)."""
    means = np.linspace(-1.0, 1.0, amplifiers)
    means = 1e4 * (1.0 + percent / 100.0 * means / means.std(ddof=1))
    boxes = {f"C{i:02}": Amplifier(f"C{i:02}", 10 * i, 0, 10, 20) for i in range(amplifiers)}
    array = np.repeat(means, 10)[None, :].repeat(20, axis=0).astype(np.float32)
    image = DetectorImage(array, np.zeros(array.shape, np.uint16), boxes)
    result = verified_image(image, "FLAT", CosmicRayFinder())
    assert result["DET"]["SCATTER"] / result["DET"]["MEAN"] == pytest.approx(percent / 100.0, rel=1e-4)
    assert result["VERIFY"]["DET"]["SCATTER"] is good


def test_detector_has_the_mean_of_the_amplifiers_that_have_one(
    rng: np.random.Generator, image_of: ImageMaker
) -> None:
    """An amplifier without a gain has no data; it fails, and does not take the detector's mean along."""
    image = flat(rng, image_of, 0.95)
    image.pixels("C10")[:] = math.nan
    image.flags("C10")[:] = MaskPlane.NO_DATA
    result = verified_image(image, "FLAT", CosmicRayFinder())
    assert result["DET"]["MEAN"] == pytest.approx(15_000.0, rel=1e-3)
    assert result["DET"]["AMPLIFIERS"] == 1
    assert math.isnan(result["DET"]["SCATTER"])  # one mean has no scatter
    assert not result["VERIFY"]["AMP"]["C10"]["SUCCESS"]
    assert not result["SUCCESS"]


@pytest.mark.parametrize(("part", "passes"), [(0.005, True), (0.02, False), (1.0, False)])
def test_a_flat_with_a_saturated_amplifier_does_not_pass_by_the_light_of_its_neighbours(
    rng: np.random.Generator, image_of: ImageMaker, part: float, passes: bool
) -> None:
    flat = image_of(rng.normal(10_000.0, 98.0, (300, 400)))
    rows = round(part * 300)
    flat.flags("C11")[:rows] |= np.uint16(MaskPlane.SAT | MaskPlane.INTRP)
    flat.metadata = dict(nominal())
    results, _ = results_of(flat, "FLAT")
    assert results["C11"]["NOISE"]
    assert results["C11"].get("SATURATED", True) is passes
    assert results["C11"]["SUCCESS"] is passes
    assert "SATURATED" not in results["C10"]
