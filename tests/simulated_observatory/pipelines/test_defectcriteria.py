from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.defectcriteria import verified_defects
from lsst.ts.simulated_observatory.pipelines.images import Amplifier, DetectorImage, MaskPlane

Values = dict[str, dict[str, Any]]
ImageMaker = Callable[..., DetectorImage]
MEAN = 16_500.0


def verified(image: DetectorImage) -> tuple[Values, Values]:
    """Statistics and test results of the amplifiers."""
    result = verified_defects(image)
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
        "MASKED": True,
        "COLD_LEFT": True,
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


def test_ordinary_pixels_may_be_masked(rng: np.random.Generator, image_of: ImageMaker) -> None:
    """Hot pixels are ordinary in a flat: without them the noise rises as often as it falls."""
    for _ in range(20):
        image = image_of(rng.normal(MEAN, math.sqrt(MEAN), (300, 400)))
        image.mask[rng.integers(0, 300, 20), rng.integers(0, 400, 20)] = MaskPlane.BAD
        assert all(each["STDEV"] for each in verified(image)[1].values())


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


def test_an_amplifier_that_is_masked_as_a_whole_and_nan_in_defects_cost_nothing(flat: DetectorImage) -> None:
    flat.flags("C11")[:] = MaskPlane.BAD
    flat.pixels("C11")[:] = math.nan
    flat.pixels("C10")[:5] = math.nan
    values, results = verified(flat)
    assert math.isnan(values["C11"]["STDEV"])
    assert all(results["C10"][test] for test in ("OUTLIERS", "STDEV", "MIN", "MAX", "SUCCESS"))
    assert all(results["C11"][test] for test in ("OUTLIERS", "STDEV", "MIN", "MAX", "SUCCESS"))


@pytest.mark.parametrize(
    ("factor", "plane"), [(math.nan, 0), (0.0, MaskPlane.NO_DATA), (1.0, MaskPlane.NO_DATA)]
)
def test_a_column_without_data_must_be_in_the_list(
    flat: DetectorImage, factor: float, plane: MaskPlane | int
) -> None:
    flat.pixels("C11")[:, 30] *= factor
    flat.flags("C11")[:, 30] = plane
    values, results = verified(flat)
    assert values["C11"]["COLD_LEFT"] == 300
    assert not results["C11"]["SUCCESS"]
    flat.flags("C11")[:, 30] |= np.uint16(MaskPlane.BAD)
    assert verified(flat)[1]["C11"]["SUCCESS"]


class TestPower:
    """Lists of defects against images of a known detector of 16 amplifiers."""

    SHAPE = 400, 800

    @pytest.fixture
    def images(self, rng: np.random.Generator) -> dict[str, DetectorImage]:
        """A flat, a combined dark and a combined flat."""
        self.truth = np.zeros(self.SHAPE, bool)
        response = rng.normal(1.0, 0.005, self.SHAPE)
        rate = np.full(self.SHAPE, 0.02)
        cold, hot = rng.integers(15, 385, (2, 20, 2))
        response[cold[:, 0], cold[:, 1]] *= 0.5
        response[100:180, 333] *= 0.7
        response[300, 700] = 1.3
        rate[hot[:, 0], hot[:, 1]] = 10.0
        rate[210:390, 77] = 10.0
        self.truth |= (np.abs(response - 1.0) > 0.1) | (rate > 3.0)
        light = 16_500.0 * response
        return {
            "image": self.image(rng.normal(light, np.sqrt(light))),
            "dark": self.image(rng.normal(rate, 0.15)),
            "flat": self.image(rng.normal(response, 0.001)),
        }

    def image(self, array: np.ndarray) -> DetectorImage:
        amplifiers = {
            f"C{half}{number}": Amplifier(f"C{half}{number}", 100 * number, 200 * half, 100, 200)
            for half in range(2)
            for number in range(8)
        }
        return DetectorImage(array.astype(np.float32), np.zeros(self.SHAPE, np.uint16), amplifiers, {})

    def failed(self, images: dict[str, DetectorImage], mask: np.ndarray) -> set[str]:
        """Tests of the detector that fail with a list of defects."""
        images["image"].mask[:] = np.where(mask, np.uint16(MaskPlane.BAD), 0)
        result = verified_defects(images["image"], dark=images["dark"], flat=images["flat"])
        tests = result["VERIFY"]["DET"]
        assert result["SUCCESS"] <= tests["SUCCESS"]
        return {name for name, passed in tests.items() if not passed} - {"SUCCESS"}

    def test_the_truth_passes(self, images: dict[str, DetectorImage]) -> None:
        edges = self.truth.copy()
        edges[:9] = edges[-9:] = edges[:, :9] = edges[:, -9:] = True
        for mask in (self.truth, edges):
            assert self.failed(images, mask) == set()
        tests = verified_defects(**images)["VERIFY"]["AMP"].values()
        added = ("MASKED", "COLD_LEFT", "BRIGHT_LEFT", "HOT_LEFT")
        assert all(each[test] for each in tests for test in added)

    def test_an_empty_list_fails(self, images: dict[str, DetectorImage]) -> None:
        assert self.failed(images, np.zeros_like(self.truth)) == {"COLD_LEFT", "BRIGHT_LEFT", "HOT_LEFT"}

    @pytest.mark.parametrize("part", [0.06, 0.5, 0.9])
    def test_a_list_that_masks_much_of_the_detector_fails(
        self, images: dict[str, DetectorImage], rng: np.random.Generator, part: float
    ) -> None:
        assert self.failed(images, self.truth | (rng.random(self.SHAPE) < part)) == {"MASKED"}

    def test_a_list_that_masks_everything_fails(self, images: dict[str, DetectorImage]) -> None:
        assert self.failed(images, np.ones_like(self.truth)) == {"MASKED", "MASKED_AMPLIFIERS"}

    def test_the_list_of_another_detector_fails(self, images: dict[str, DetectorImage]) -> None:
        assert self.failed(images, self.truth[::-1, ::-1]) == {"COLD_LEFT", "BRIGHT_LEFT", "HOT_LEFT"}

    def test_each_kind_of_defect_is_missed_where_it_shows(self, images: dict[str, DetectorImage]) -> None:
        for name, limit, sign, test in (
            ("image", 0.85 * 16_500.0, -1, "COLD_LEFT"),
            ("flat", 1.1, 1, "BRIGHT_LEFT"),
            ("dark", 3.0, 1, "HOT_LEFT"),
        ):
            missed = sign * images[name].image > sign * limit
            assert self.failed(images, self.truth & ~missed) == {test}

    def test_a_few_pixels_near_the_limit_may_be_missed(self, images: dict[str, DetectorImage]) -> None:
        images["image"].image[50, 50:54] = 0.86 * 16_500.0
        images["dark"].image[60, 60:64] = 4.0
        images["flat"].image[70, 70:74] = 1.05
        assert self.failed(images, self.truth) == set()

    def test_noise_of_a_faint_flat_is_not_left(
        self, images: dict[str, DetectorImage], rng: np.random.Generator
    ) -> None:
        light = 330.0 * images["flat"].image
        images["image"].image[:] = rng.normal(light, np.sqrt(light + 81.0))
        assert self.failed(images, self.truth) == set()

    @pytest.mark.parametrize("level", [0.0, 2_000.0])
    def test_a_dead_amplifier_must_be_masked_as_a_whole(
        self, images: dict[str, DetectorImage], level: float
    ) -> None:
        images["image"].pixels("C03")[:] = level
        assert self.failed(images, self.truth) == {"COLD_LEFT"}
        mask = self.truth.copy()
        box = images["image"].amplifiers["C03"].box
        mask[box][::3] = True
        assert self.failed(images, mask) == {"COLD_LEFT"}
        mask[box] = True
        assert self.failed(images, mask) == set()
        assert verified_defects(**images)["METADATA"]["MASKED_AMPLIFIERS"] == ["C03"]

    def test_a_glowing_amplifier_must_be_masked_as_a_whole(self, images: dict[str, DetectorImage]) -> None:
        images["dark"].pixels("C12")[:] += 12.0
        assert self.failed(images, self.truth) == {"HOT_LEFT"}
        mask = self.truth.copy()
        mask[images["dark"].amplifiers["C12"].box] = True
        assert self.failed(images, mask) == set()

    def test_what_is_below_its_bias_must_be_masked(self, images: dict[str, DetectorImage]) -> None:
        images["dark"].pixels("C12")[:] -= 20.0
        assert self.failed(images, self.truth) == {"HOT_LEFT"}
        images["dark"].pixels("C12")[:] += 20.0
        images["dark"].pixels("C12")[50] -= 20.0
        assert self.failed(images, self.truth) == {"HOT_LEFT"}

    @pytest.mark.parametrize("level", [0.0, math.nan])
    def test_a_flat_without_light_shows_nothing(
        self, images: dict[str, DetectorImage], rng: np.random.Generator, level: float
    ) -> None:
        images["image"].image[:] = rng.normal(level, 9.0, self.SHAPE)
        assert self.failed(images, self.truth) == {"COLD_LEFT"}
        assert math.isnan(verified_defects(**images)["DET"]["COLD_LEFT"])

    def test_amplifiers_that_glow_must_be_masked_also_if_all_do(
        self, images: dict[str, DetectorImage]
    ) -> None:
        images["dark"].image += 20.0
        assert self.failed(images, self.truth) == {"HOT_LEFT"}

    @pytest.mark.parametrize(
        ("name", "sigma", "test"),
        [
            ("dark", 4.0, "HOT_LEFT"),  # 20 darks of 0.5 s
            ("dark", 0.0, "HOT_LEFT"),
            ("flat", 0.04, "BRIGHT_LEFT"),  # two flats of 300 electron
            ("flat", 0.0, "BRIGHT_LEFT"),
            ("image", 0.16, "COLD_LEFT"),  # 80 electron
            ("image", 0.0, "COLD_LEFT"),
        ],
    )
    @pytest.mark.parametrize("empty", [True, False])
    def test_an_image_whose_noise_hides_defects_tests_no_list(
        self,
        images: dict[str, DetectorImage],
        rng: np.random.Generator,
        name: str,
        sigma: float,
        test: str,
        empty: bool,
    ) -> None:
        level = {"dark": 0.02, "flat": 1.0, "image": 16_500.0}[name]
        scale = 1.0 if name == "dark" else level
        images[name].image[:] = level + scale * sigma * rng.standard_normal(self.SHAPE)
        assert test in self.failed(images, np.zeros_like(self.truth) if empty else self.truth)
        result = verified_defects(**images)
        assert math.isnan(result["DET"][test])
        assert result["METADATA"]["NOT_TESTED"][test].startswith(
            "too much noise, or too few pixels, in C00, "
        )

    def test_values_beyond_which_pixels_count_are_told(self, images: dict[str, DetectorImage]) -> None:
        """Six sigma of noise more than 1.5 times the limit of a defect."""
        beyond = verified_defects(**images)["METADATA"]["LEFT_BEYOND"]
        assert beyond["COLD_LEFT"]["C05"] == pytest.approx(0.85 * 16_500.0 - 6.0 * 153.0, rel=0.01)
        assert beyond["BRIGHT_LEFT"]["C05"] == pytest.approx(1.06 + 6.0 * 0.0051, rel=0.01)
        assert beyond["HOT_LEFT"]["C05"] == pytest.approx(0.02 + 4.5 + 6.0 * 0.15, rel=0.01)

    def test_what_cannot_be_tested_is_said(self, images: dict[str, DetectorImage]) -> None:
        result = verified_defects(images["image"])
        assert set(result["VERIFY"]["DET"]) == {"MASKED", "MASKED_AMPLIFIERS", "COLD_LEFT", "SUCCESS"}
        assert result["METADATA"]["NOT_TESTED"] == {
            "BRIGHT_LEFT": "there is no combined flat",
            "HOT_LEFT": "there is no combined dark",
        }
        with pytest.raises(RuntimeError, match="a combination has"):
            verified_defects(images["image"], dark=self.image(np.zeros((5, 5))))
