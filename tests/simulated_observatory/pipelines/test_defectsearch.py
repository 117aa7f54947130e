# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.
"""Defects against the truth, on a detector of eight amplifiers of 60 rows and 40 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.images import Amplifier, DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.measuredefects import (
    MeasureDefectsConfig,
    MeasureDefectsTask,
    UnusableImagesError,
)
from lsst.ts.simulated_observatory.pipelines.tables import Defects

from .conftest import StoredImage

ROWS, COLUMNS = 60, 40
SHAPE = 2 * ROWS, 4 * COLUMNS
AMPLIFIERS = {
    f"C{half}{number}": Amplifier(f"C{half}{number}", COLUMNS * number, ROWS * half, COLUMNS, ROWS)
    for half in range(2)
    for number in range(4)
}
NOISE = 9.0
LAMP = 3300.0


class Detector:
    """Takes images of a detector whose rate (electron/s) and response are known in every pixel."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.rate = np.full(SHAPE, 0.02)
        self.response = rng.normal(1.0, 0.005, SHAPE)
        self.constant: dict[str, float] = {}

    def image(self, electrons: np.ndarray, exposure: int, time: float) -> StoredImage:
        pixels = self.rng.poisson(np.maximum(electrons, 0.0)) + self.rng.normal(0.0, NOISE, SHAPE)
        for name, value in self.constant.items():
            pixels[AMPLIFIERS[name].box] = value
        header = {"EXPOSURE": exposure, "EXPTIME": time, "DARKTIME": time, "IMAGE SHAPE": list(SHAPE)}
        return StoredImage(
            DetectorImage(
                pixels.astype(np.float32),
                np.zeros(SHAPE, np.uint16),
                AMPLIFIERS,
                header | {"DETECTOR NAME": "RXX_S00"},
            )
        )

    def darks(self, *times: float) -> list[StoredImage]:
        return [self.image(self.rate * time, number, time) for number, time in enumerate(times)]

    def flats(self, *times: float) -> list[StoredImage]:
        return [self.image(LAMP * self.response * time, number, time) for number, time in enumerate(times)]


@pytest.fixture
def detector(rng: np.random.Generator) -> Detector:
    return Detector(rng)


def find(kind: str, images: Sequence[StoredImage]) -> Defects:
    config = MeasureDefectsConfig()
    config.imageType = kind
    return MeasureDefectsTask(config=config).run(images).outputDefects


def left_out(found: Defects) -> dict[int, str]:
    values = (found.metadata[f"LEFT OUT {key}"] for key in ("EXPOSURES", "REASONS"))
    return dict(zip(*values, strict=True))


def reasons(found: Defects) -> dict[str, str]:
    return {name: each["reason"] for name, each in found.metadata["amplifiers"].items()}


def whole(*names: str) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    for name in names:
        mask[AMPLIFIERS[name].box] = True
    return mask


@pytest.mark.parametrize("level", [0.0, -3.0, 2.0])
def test_a_dead_amplifier_is_a_defect_as_a_whole(detector: Detector, level: float) -> None:
    detector.response[AMPLIFIERS["C03"].box] = 0.0
    images = detector.flats(5.0, 5.0, 15.0, 15.0)
    for each in images:
        each.image.pixels("C03")[:] += level
    found = find("flat", images)
    np.testing.assert_array_equal(found.mask, whole("C03"))
    assert found.metadata["amplifiers"]["C03"]["box"] == [120, 0, 40, 60]
    assert reasons(found)["C03"].startswith("dead: ")
    assert not left_out(found)


@pytest.mark.parametrize("value", [0.0, -3.0, 40_000.0])
def test_a_constant_amplifier_is_a_defect_as_a_whole(detector: Detector, value: float) -> None:
    """Also one whose level is that of a flat."""
    detector.constant = {"C12": value}
    flats, darks = (
        find("flat", detector.flats(12.0, 12.0, 12.2)),
        find("dark", detector.darks(15.0, 15.0, 30.0)),
    )
    for found in (flats, darks):
        np.testing.assert_array_equal(found.mask, whole("C12"))
        assert reasons(found)["C12"].startswith("constant: 0 " if found is darks or value > 0.0 else "dead: ")


def test_an_amplifier_that_does_not_follow_the_light_is_a_defect_as_a_whole(detector: Detector) -> None:
    """And no flat is left out for its sake."""
    images = detector.flats(5.0, 10.0, 15.0, 20.0)
    for each in images:
        each.image.pixels("C00")[:] = detector.rng.normal(40_000.0, 200.0, (ROWS, COLUMNS))
    found = find("flat", images)
    np.testing.assert_array_equal(found.mask, whole("C00"))
    assert reasons(found) == {"C00": "it does not follow the light"}
    assert not left_out(found)


def test_an_amplifier_with_a_third_of_the_light_is_a_defect_and_one_with_four_fifths_is_not(
    detector: Detector,
) -> None:
    detector.response[AMPLIFIERS["C01"].box] *= 0.3
    detector.response[AMPLIFIERS["C10"].box] *= 0.8
    np.testing.assert_array_equal(find("flat", detector.flats(5.0, 5.0, 15.0)).mask, whole("C01"))


def test_an_amplifier_without_a_gain_is_a_defect_as_a_whole(detector: Detector) -> None:
    """Its pixels are NaN, as those of a dead amplifier are whose gain cp_pipe did not find."""
    detector.constant = {"C11": np.nan}
    for found in (find("flat", detector.flats(5.0, 5.0, 15.0)), find("dark", detector.darks(30.0, 30.0))):
        np.testing.assert_array_equal(found.mask, whole("C11"))
        assert reasons(found) == {"C11": "no usable pixels"}


def test_a_glowing_amplifier_is_a_defect_as_a_whole(detector: Detector) -> None:
    detector.rate[AMPLIFIERS["C02"].box] += 12.0
    detector.rate[AMPLIFIERS["C13"].box] += 1.0
    found = find("dark", detector.darks(5.0, 15.0, 30.0, 30.0))
    np.testing.assert_array_equal(found.mask, whole("C02"))
    assert reasons(found)["C02"].startswith("glowing: +12")


@pytest.mark.parametrize("number", [4, 5, 7, 8])
def test_most_amplifiers_may_glow(detector: Detector, number: int) -> None:
    """The bias is subtracted, so that those without a glow are not taken for the odd ones."""
    names = tuple(AMPLIFIERS)[:number]
    for name in names:
        detector.rate[AMPLIFIERS[name].box] += 20.0
    found = find("dark", detector.darks(15.0, 30.0, 30.0))
    np.testing.assert_array_equal(found.mask, whole(*names))
    assert all(reason.startswith("glowing: +20") for reason in reasons(found).values())


def test_an_offset_of_the_bias_in_a_short_dark_is_no_glow(detector: Detector) -> None:
    detector.rate += 15.0  # 1.5 electron
    assert not reasons(find("dark", detector.darks(0.1, 0.1, 0.1)))


@pytest.mark.parametrize("number", [5, 6])
def test_amplifiers_without_light_may_be_the_majority(detector: Detector, number: int) -> None:
    names = tuple(AMPLIFIERS)[:number]
    for name in names:
        detector.response[AMPLIFIERS[name].box] *= 0.3
    found = find("flat", detector.flats(5.0, 5.0, 15.0))
    np.testing.assert_array_equal(found.mask, whole(*names))
    assert all(reason.startswith("dead: 0.3 ") for reason in reasons(found).values())
    which = " and ".join(tuple(AMPLIFIERS)[number:])
    assert reasons(found)["C00"].endswith(f"the light of {which} (or these {8 - number} are too bright)")


def test_a_single_amplifier_can_be_too_bright(detector: Detector) -> None:
    detector.response[AMPLIFIERS["C12"].box] *= 3.0
    found = find("flat", detector.flats(5.0, 5.0, 15.0))
    np.testing.assert_array_equal(found.mask, whole("C12"))
    assert reasons(found)["C12"].startswith("too bright: 3 times")


def test_most_pixels_of_an_amplifier_may_be_defects(detector: Detector) -> None:
    """Neither its mean nor its median is the level of the good ones."""
    bad = np.zeros(SHAPE, bool)
    bad[AMPLIFIERS["C00"].box][:, :28] = True  # 70 %
    detector.response[bad] = detector.rng.normal(0.8, 0.004, np.count_nonzero(bad))
    detector.rate[bad] += 6.0
    np.testing.assert_array_equal(find("flat", detector.flats(15.0, 15.0, 15.0)).mask, bad)
    np.testing.assert_array_equal(find("dark", detector.darks(30.0, 30.0, 30.0)).mask, bad)


def test_pixels_that_are_too_bright_are_defects(detector: Detector) -> None:
    responses = [0.5, 0.85, 0.95, 1.0, 1.02, 1.06, 1.1, 1.2, 1.5]
    detector.response[20, 10:100:10] = responses
    found = find("flat", detector.flats(*[20.0] * 5)).mask
    assert found[20, 10:100:10].tolist() == [not 0.9 < each < 1.04 for each in responses]
    assert np.count_nonzero(found) == 6


def test_noise_is_no_defect(detector: Detector) -> None:
    """Where a pixel cannot be known well enough the limits are wider, and the metadata say so."""
    detector.rate[20, 30], detector.rate[50, 60] = 200.0, 4.0
    found = find("dark", detector.darks(1.0, 1.0))
    assert np.argwhere(found.mask).tolist() == [[20, 30]]
    assert 25.0 < found.metadata["limits"]["C00"][1] < 40.0  # five times 9 / sqrt(2)
    assert not find("flat", detector.flats(0.05, 0.05)).mask.any()


def test_saturated_flats_are_left_out_and_the_others_show_all(detector: Detector) -> None:
    """The cold pixel, the dead one and the trap of flats of 5, 5, 15, 15, 2000 and 2000 s."""
    detector.response[20, 30], detector.response[70, 90] = 0.5, 0.0
    detector.response[10:50, 100] *= 0.7
    images = detector.flats(5.0, 5.0, 15.0, 15.0, 2000.0, 2000.0)
    for each in images:
        each.image.mask[each.image.image > 130_000.0] |= np.uint16(MaskPlane.SAT)
        np.minimum(each.image.image, 131_000.0, out=each.image.image)
    found = find("flat", images)
    expected = np.zeros(SHAPE, bool)
    expected[20, 30] = expected[70, 90] = expected[10:50, 100] = True
    np.testing.assert_array_equal(found.mask, expected)
    assert found.metadata["exposures"] == [0, 1, 2, 3]
    assert set(left_out(found)) == {4, 5}
    assert left_out(found)[4].startswith("only 0% of its pixels are usable")


@pytest.mark.parametrize("level", [-0.3, 0.3])
def test_a_shut_shutter_costs_only_its_flat(detector: Detector, level: float) -> None:
    images = detector.flats(*[5.0] * 6)
    images[3] = detector.image(np.zeros(SHAPE), 3, 5.0)
    images[3].image.image[:] += level
    detector.response[20, 30] = 0.5
    found = find("flat", images)
    assert list(left_out(found)) == [3]
    assert left_out(found)[3].startswith("it has no light: ")


def test_a_shutter_that_stuck_half_way_costs_only_its_flat(detector: Detector) -> None:
    images = detector.flats(*[5.0] * 4)
    light = LAMP * 5.0 * detector.response
    light[:, : SHAPE[1] // 2] *= 0.1
    images[1] = detector.image(light, 1, 5.0)
    found = find("flat", images)
    assert not found.mask.any()
    assert list(left_out(found)) == [1]
    assert "part of the light of " in left_out(found)[1]


def test_two_flats_that_disagree_are_both_left_out(detector: Detector) -> None:
    """Nobody knows which one is right; it is not the amplifiers that are broken."""
    images = detector.flats(5.0, 5.0)
    images[1].image.image[:, : SHAPE[1] // 2] *= 0.5
    with pytest.raises(
        UnusableImagesError, match=r"no flat can show defects: 0: .*; 1: the part of the light"
    ):
        find("flat", images)


def test_an_amplifier_beyond_its_full_well_costs_the_brighter_flats(detector: Detector) -> None:
    images = detector.flats(5.0, 5.0, 10.0, 10.0, 15.0, 15.0, 25.0, 25.0, 35.0, 35.0)
    for each in images:
        np.minimum(each.image.pixels("C03"), 40_000.0, out=each.image.pixels("C03"))
    found = find("flat", images)
    assert not found.mask.any()
    assert list(left_out(found)) == [4, 5, 6, 7, 8, 9]
    assert left_out(found)[8].startswith("the part of the light of C03 is off by -6")


def test_light_in_a_dark_costs_only_that_dark(detector: Detector) -> None:
    """Its corners are darker by 10 %, which would look like hot pixels in its middle."""
    x, y = np.meshgrid(np.linspace(-1.0, 1.0, SHAPE[1]), np.linspace(-1.0, 1.0, SHAPE[0]))
    detector.rate[20, 30] = 10.0
    images = detector.darks(0.5, 15.0, 30.0, 30.0)
    images[2] = detector.image(detector.rate * 30.0 + 6000.0 * (1.0 - 0.1 * (x * x + y * y)), 2, 30.0)
    found = find("dark", images)
    assert np.argwhere(found.mask).tolist() == [[20, 30]]
    assert list(left_out(found)) == [2]
    assert left_out(found)[2].startswith("the dark current of ")


def test_pixels_far_below_their_bias_are_defects(detector: Detector) -> None:
    """Light only adds: their bias is wrong."""
    images = detector.darks(30.0, 30.0, 30.0)
    for each in images:
        each.image.image[20, 30:33] -= np.array([20.0, 5.0, 1.0]) * 30.0
    assert np.argwhere(find("dark", images).mask).tolist() == [[20, 30], [20, 31]]


def test_a_dark_without_dark_time_is_left_out(detector: Detector) -> None:
    detector.rate[20, 30] = 10.0
    found = find("dark", detector.darks(0.0, 15.0, 30.0))
    assert np.argwhere(found.mask).tolist() == [[20, 30]]
    assert left_out(found) == {0: "its dark time is 0 s"}


def test_good_images_are_all_used(detector: Detector) -> None:
    for found in (
        find("dark", detector.darks(0.5, 0.5, 0.5, 5.0, 15.0, 30.0)),
        find("flat", detector.flats(0.1, 0.1, 0.35, 0.6, 1.0, 1.6, 5.0, 35.0)),
        find("flat", detector.flats(5.0)),
    ):
        assert not found.mask.any()
        assert not left_out(found)
        assert not reasons(found)


@pytest.mark.parametrize("bad", [np.s_[:, ::2], np.s_[:, ::3], np.s_[::2], "half of the pixels"])
@pytest.mark.parametrize("times", [(5.0,) * 8, (5.0,) * 3])
def test_defects_that_are_half_of_an_amplifier_do_not_pass_for_its_noise(
    bad: Any, times: tuple[float, ...], detector: Detector
) -> None:
    where = detector.rng.random((ROWS, COLUMNS)) < 0.5 if isinstance(bad, str) else bad
    truth = np.zeros(SHAPE, bool)
    part = np.zeros((ROWS, COLUMNS), bool)
    part[where] = True
    truth[AMPLIFIERS["C01"].box] = part
    detector.response[truth] *= 0.8
    mask = find("flat", detector.flats(*times)).mask
    assert mask[truth].all()
    assert mask[~truth & ~whole("C01")].mean() < 0.001
