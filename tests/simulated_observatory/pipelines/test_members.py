"""Members of a set whose truth is known: which of them are found to be unusable or odd."""

from __future__ import annotations

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.images import Amplifier, MaskPlane
from lsst.ts.simulated_observatory.pipelines.membermeasurement import Member, measure_member
from lsst.ts.simulated_observatory.pipelines.members import Comparison, UnusableSetError

from .sets import AMPLIFIERS, C02, NOISE, compared, dark_images, flats, image, names


def test_what_is_measured_is_true(rng: np.random.Generator) -> None:
    made = image(1000.0 + np.arange(160) + rng.normal(0.0, NOISE, (150, 160)))
    made.mask[C02] = MaskPlane.BAD
    made.mask[:30, :40] = MaskPlane.SAT
    made.image[:30, :40] = 60_000.0
    member = measure_member(made)
    assert member.level[[0, 1, 3]] == pytest.approx([1019.5, 1059.5, 1139.5], abs=1.0)
    assert member.noise[[0, 1, 3]] == pytest.approx(3 * [NOISE], rel=0.04)
    assert member.saturated[0] == pytest.approx(0.2)
    assert member.usable[:2] == pytest.approx([0.8, 1.0])
    assert np.isnan([member.level[2], member.usable[2], *member.blocks[2], *member.blocks[0, :4][:1]]).all()
    assert member.blocks[1].reshape(4, 4)[0] == pytest.approx([1044.5, 1054.5, 1064.5, 1074.5], abs=2.5)


@pytest.mark.parametrize("number", [3, 5, 14, 30])
def test_good_biases_are_all_used(number: int) -> None:
    for seed in range(90 // number):
        found = compared(dark_images(np.random.default_rng(seed), number))
        assert found.unusable == {}


@pytest.mark.parametrize("kind", ["BIAS", "FLAT"])
@pytest.mark.parametrize(("factor", "more", "noise"), [(1.0, 0.0, 0.0), (1.01, 0.05, 0.0), (1.0, 0.0, 0.4)])
def test_a_copy_of_another_image_is_no_further_image(
    rng: np.random.Generator, kind: str, factor: float, more: float, noise: float
) -> None:
    images = dark_images(rng, 6) if kind == "BIAS" else flats(rng, [16_500.0] * 6)
    noise *= NOISE if kind == "BIAS" else 16_500.0**0.5
    images += [
        image(factor * each.image + more + rng.normal(0.0, noise, each.image.shape))
        for each in (images[1], images[4])
    ]
    found = compared(images, kind)
    assert tuple(found.unusable) == (6, 7)
    assert "C00 and 3 more amplifiers: its pixels are more like those of another image" in found.unusable[6]


def test_frame_of_one_amplifier_that_is_read_twice_costs_the_second_image(rng: np.random.Generator) -> None:
    images = dark_images(rng, 8)
    images[5].image[C02] = images[2].image[C02]
    reason = "C02: its pixels are more like those of another image of the set than noise allows"
    assert compared(images).unusable == {5: reason}
    for each in images:  # then it is the amplifier's
        each.image[C02] = images[2].image[C02]
    assert compared(images).unusable == {}


def test_images_that_are_all_copies_of_one_are_one(rng: np.random.Generator) -> None:
    first = dark_images(rng, 1)[0].image
    images = [image(first + rng.normal(0.0, 0.1, first.shape)) for _ in range(6)]
    assert tuple(compared(images).unusable) == (1, 2, 3, 4, 5)


@pytest.mark.parametrize("times", [[1.0] * 7 + [300.0] * 2, [1.0] * 2 + [300.0] * 3 + [10.0] * 2])
def test_darks_of_other_times_are_no_copies_though_they_know_more(
    rng: np.random.Generator, times: list[float]
) -> None:
    rate = rng.exponential(0.02, (150, 160))
    images = [image(rng.poisson(rate * time) + rng.normal(0.0, NOISE, rate.shape)) for time in times]
    assert compared(images, "DARK", times=times).unusable == {}


def test_of_two_images_with_one_number_none_is_used(rng: np.random.Generator) -> None:
    found = compared(dark_images(rng, 5), exposures=[1, 2, 3, 2, 5])
    assert found.unusable == dict.fromkeys((1, 3), "exposure 2 is more than once in the set")


@pytest.mark.parametrize(("leaky", "level"), [((2, 5, 6, 11), 4.0), ((0, 1, 2, 3, 4, 5), 3.5), ((13,), -4.0)])
def test_light_in_some_biases_is_found(
    rng: np.random.Generator, leaky: tuple[int, ...], level: float
) -> None:
    images = dark_images(rng, 14)
    for index in leaky:
        images[index].image += np.float32(level)
    found = compared(images)
    assert tuple(found.unusable) == leaky
    assert all("light differs from the others in the detector" in each for each in found.unusable.values())
    assert found.used(names(14)) == [index for index in range(14) if index not in leaky]


@pytest.mark.parametrize("most", [3.0, 6.0])
def test_light_that_rises_slowly_is_in_no_combination(rng: np.random.Generator, most: float) -> None:
    images = dark_images(rng, 20)
    for each, light in zip(images, np.linspace(0.0, most, 20, dtype=np.float32), strict=True):
        each.image += light
    assert len(compared(images).unusable) == 20


def test_two_biases_without_light_say_that_the_others_have_some(rng: np.random.Generator) -> None:
    images = dark_images(rng, 14)
    for each in images[2:]:
        each.image += np.float32(4.0)
    assert len(compared(images).unusable) == 14
    for broken in images[:2]:  # says nothing
        broken.image[:] = -500.0
    assert tuple(compared(images).unusable) == (0, 1)


def test_amplifiers_of_different_sizes_are_not_compared(rng: np.random.Generator) -> None:
    made = dark_images(rng, 1)[0]
    made.amplifiers = {"C00": Amplifier("C00", 0, 0, 40, 150), "C01": Amplifier("C01", 40, 0, 120, 150)}
    with pytest.raises(
        RuntimeError, match=r"different sizes cannot be compared: \[\(150, 40\), \(150, 120\)\]"
    ):
        measure_member(made)


def test_half_that_the_other_half_would_leave_out_is_no_majority(rng: np.random.Generator) -> None:
    images = dark_images(rng, 8)
    for place, each in enumerate(images[:4]):  # each has too much noise somewhere
        box = AMPLIFIERS[f"C0{place}"].box
        each.image[box] += rng.normal(0.0, 9.0, (150, 40)).astype(np.float32)
    found = compared(images)
    assert list(found.unusable) == list(range(8))
    assert found.unusable[7] == "half or more of the images are not alike: 4 of 8 differ from the others"


def test_light_that_falls_off_within_an_amplifier_is_found(rng: np.random.Generator) -> None:
    images = dark_images(rng, 10)
    images[4].image[C02] += np.linspace(-16.0, 16.0, 150, dtype=np.float32)[:, None]
    assert list(compared(images).unusable) == [4]
    assert compared(images).unusable[4].startswith("shape differs from the others in C02: by ")


def test_noise_of_one_amplifier_in_one_bias_is_found_or_told(rng: np.random.Generator) -> None:
    images = dark_images(rng, 12)
    images[3].image[C02] += rng.normal(0.0, 9.0, (150, 40)).astype(np.float32)  # 1.41 of nominal
    images[8].image[C02] += rng.normal(0.0, 5.4, (150, 40)).astype(np.float32)  # 1.17
    found = compared(images)
    assert list(found.unusable) == [3]
    assert found.odd[8].startswith("noise differs from the others in C02: by +0.1")


def test_constant_bias_is_found(rng: np.random.Generator) -> None:
    images = dark_images(rng, 5)
    images[1].image[:] = 0.0
    assert "most of its pixels are alike" in compared(images).unusable[1]


def test_darks_are_compared_as_rates(rng: np.random.Generator) -> None:
    times = [5.0, 5.0, 15.0, 30.0, 30.0, 30.0, 30.0]
    images = [dark_images(rng, 1)[0] for _ in times]
    for each, time in zip(images, times, strict=True):
        each.image += np.float32(0.5 * time)
    assert compared(images, "DARK", times=times).unusable == {}
    images[1].image += np.float32(5.0 * 1.0)  # 1 electron/s of light
    images[5].image += np.float32(0.1 * 30.0)
    assert list(compared(images, "DARK", times=times).unusable) == [1, 5]


@pytest.mark.parametrize(
    "times", [(15.0, 60.0, 60.0), (5.0, 60.0, 60.0), (15.0, 300.0, 300.0), (5.0, 300.0, 5.0, 60.0)]
)
@pytest.mark.parametrize("biases", [3, 20])
def test_good_darks_of_very_different_times_are_all_used(
    rng: np.random.Generator, times: tuple[float, ...], biases: int
) -> None:
    of_bias = rng.normal(0.0, NOISE / biases**0.5, (150, 160))
    images = [dark_images(rng, 1, 0.02 * time)[0] for time in times]
    for each in images:
        each.image += of_bias.astype(np.float32)
    found = compared(images, "DARK", times=times)
    assert (found.unusable, found.odd) == ({}, {})


@pytest.mark.parametrize("level", [-0.3, 0.3, 12.0])
def test_shut_shutter_costs_one_flat(rng: np.random.Generator, level: float) -> None:
    images = [*flats(rng, [15_000.0] * 4), dark_images(rng, 1, level)[0], *flats(rng, [15_000.0] * 2)]
    found = compared(images, "FLAT", times=[5.0] * 7)
    assert list(found.unusable) == [4]
    assert "no light" in found.unusable[4]


@pytest.mark.parametrize(
    "levels",
    [
        [330.0, 330.0, 5_000.0, 15_000.0, 50_000.0, 100_000.0],
        [3_300.0, 50_000.0, 80_000.0],
        [330.0, 16_500.0, 16_500.0],
    ],
)
def test_flats_of_very_different_light_are_all_used(rng: np.random.Generator, levels: list[float]) -> None:
    found = compared(flats(rng, levels), "FLAT", times=[each / 3300.0 for each in levels])
    assert (found.unusable, found.odd) == ({}, {})


def test_saturated_flats_are_unusable_and_a_set_of_them_is_refused(rng: np.random.Generator) -> None:
    images = flats(rng, [15_000.0] * 4 + [100_000.0] * 2)
    for each in images[4:]:  # one amplifier alone is over full well
        each.mask[C02][::30] |= np.uint16(MaskPlane.SAT)
    found = compared(images, "FLAT")
    assert list(found.unusable) == [4, 5]
    assert found.unusable[4] == "C02: 0.0333 of its pixels are saturated"
    assert found.used(names(6)) == [0, 1, 2, 3]
    with pytest.raises(UnusableSetError, match="0 of 2 images are usable and at least 2 are needed"):
        compared(images[4:], "FLAT").used(names(2))


def test_full_well_below_the_level_that_is_flagged_shows_in_the_noise(rng: np.random.Generator) -> None:
    images = flats(rng, [40_000.0, 40_000.0, 80_000.0, 80_000.0])
    for each in images:
        np.minimum(each.image[C02], 60_000.0 + rng.normal(0.0, NOISE, (150, 40)), out=each.image[C02])
    found = compared(images, "FLAT")
    assert list(found.unusable) == [2, 3]
    assert found.unusable[2].startswith("C02: variance 0.00")
    assert found.unusable[2].endswith("saturated or clipped")


def test_lamp_that_is_dimmer_on_half_an_amplifier_is_found(rng: np.random.Generator) -> None:
    images = flats(rng, [15_000.0] * 6)
    images[2].image[C02][:75] *= np.float32(0.9)
    images[3].image[C02][:75] *= np.float32(0.98)
    found = compared(images, "FLAT")
    assert list(found.unusable) == [2]
    assert list(found.odd) == [3]


@pytest.mark.parametrize(("more", "out", "odd"), [(200.0, [1], []), (80.0, [], [1])])
def test_flat_with_more_noise_than_others_of_as_much_light_is_found_or_told(
    rng: np.random.Generator, more: float, out: list[int], odd: list[int]
) -> None:
    images = flats(rng, [16_500.0] * 5 + [3_300.0, 50_000.0])
    images[1].image += rng.normal(0.0, more, images[1].image.shape).astype(np.float32)
    found = compared(images, "FLAT")
    assert (list(found.unusable), list(found.odd)) == (out, odd)
    reasons = {**found.unusable, **found.odd}
    assert reasons[1].startswith("noise differs from the others in ")


@pytest.mark.parametrize("across", [False, True])
def test_fringes_of_another_filter_are_found_though_blocks_average_them_out(
    rng: np.random.Generator, across: bool
) -> None:
    images = flats(rng, [16_500.0] * 5 + [100_000.0])
    fringes = (1.0 + 0.03 * np.sin(2.0 * np.pi * np.arange(160) / 10.0)).astype(np.float32)
    images[1].image *= fringes[:150, None] if across else fringes
    reasons = compared(images, "FLAT").unusable
    assert tuple(reasons) == (1,)
    assert reasons[1].startswith("structure differs" if across else "noise differs")


def test_light_per_second_of_one_flat_is_far_off(rng: np.random.Generator) -> None:
    images = flats(rng, [15_000.0] * 4 + [6_000.0] + [15_000.0 * 1.05])
    found = compared(images, "FLAT", times=[5.0] * 6)
    assert found.unusable == {4: "light per second is 0.4 of that of the others"}


def test_dead_amplifier_is_not_the_fault_of_the_flats(rng: np.random.Generator) -> None:
    images = flats(rng, [15_000.0] * 5)
    for each in images:
        each.image[C02] = rng.normal(0.1, NOISE, (150, 40))
        each.image[AMPLIFIERS["C01"].box] = 0.0
    images[2].image[AMPLIFIERS["C03"].box] = rng.normal(0.0, NOISE, (150, 40))
    assert list(compared(images, "FLAT").unusable) == [2]


@pytest.mark.parametrize(("tilted", "number"), [(5, 10), (3, 6), (2, 4)])
def test_half_of_the_flats_with_another_gradient_is_no_set(
    tilted: int, number: int, rng: np.random.Generator
) -> None:
    images = flats(rng, [15_000.0] * number)
    for each in images[:tilted]:
        each.image *= np.linspace(0.97, 1.03, 160, dtype=np.float32)
    found = compared(images, "FLAT")
    assert list(found.unusable) == list(range(number))
    assert (
        "level is not alike in most images of the set: level differs from the others in" in found.unusable[0]
    )
    few = compared(images[tilted - 1 :], "FLAT")
    assert list(few.unusable) == [0]


def test_light_whose_gradient_changes_from_flat_to_flat_is_told_for_each(rng: np.random.Generator) -> None:
    images = flats(rng, [15_000.0] * 7)
    for each, tilt in zip(images, (-0.016, -0.014, -0.012, 0.0, 0.012, 0.014, 0.016), strict=True):
        each.image *= np.linspace(1.0 - tilt, 1.0 + tilt, 160, dtype=np.float32)
    found = compared(images, "FLAT")
    assert (list(found.unusable), found.odd) == (list(range(7)), {})
    assert all("level differs from the others in" in found.unusable[place] for place in (0, 1, 5, 6))
    assert "this one is in their middle" in found.unusable[3]
    steady = flats(rng, [15_000.0] * 7)
    for each, tilt in zip(steady, (-0.004, -0.003, -0.002, 0.0, 0.002, 0.003, 0.004), strict=True):
        each.image *= np.linspace(1.0 - tilt, 1.0 + tilt, 160, dtype=np.float32)
    assert not compared(steady, "FLAT").unusable


def test_two_that_differ_are_both_unusable(rng: np.random.Generator) -> None:
    images = dark_images(rng, 2)
    assert compared(images).used(names(2)) == [0, 1]
    images[1].image += np.float32(40.0)
    assert list(compared(images).unusable) == [0, 1]
    assert compared(images[:1]).used(names(1)) == [0]


@pytest.mark.parametrize(
    ("number", "bad", "enough"), [(3, 1, False), (4, 1, True), (9, 4, True), (9, 5, False)]
)
def test_no_less_than_half_and_no_less_than_three(number: int, bad: int, enough: bool) -> None:
    found = Comparison(dict.fromkeys(range(bad), "why"), {})
    if enough:
        assert len(found.used(names(number))) == number - bad
        return
    with pytest.raises(UnusableSetError, match="1: why"):
        found.used(names(number))


def test_values_that_are_not_finite_cost_nothing_else(rng: np.random.Generator) -> None:
    images = dark_images(rng, 6)
    images[0].image[C02] = np.nan
    images[1].image[10, 10] = np.inf
    found = compared(images)
    assert list(found.unusable) == [0]
    assert "0 of its pixels are usable" in found.unusable[0]
    assert isinstance(measure_member(images[0]), Member)
