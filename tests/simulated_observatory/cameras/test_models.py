"""The camera model of LATISS."""

from __future__ import annotations

from statistics import mean, median
from typing import Any

import pytest

from lsst.ts.simulated_observatory.cameras.models import detector_model


def test_latiss_has_the_amplifiers_of_the_policy_file() -> None:
    model = detector_model("LATISS", 0)
    assert (model.name, model.data.serial, model.vendor) == ("RXX_S00", "ITL-3800C-068", "ITL")
    assert [amplifier.name for amplifier in model.amplifiers] == [
        f"C{i}{j}" for i in "01" for j in "01234567"
    ]
    assert median(amplifier.gain for amplifier in model.amplifiers) == pytest.approx(1.0826, abs=1e-4)
    assert mean(amplifier.read_noise for amplifier in model.amplifiers) == pytest.approx(8.94, abs=0.01)
    assert {amplifier.sensor.saturation for amplifier in model.amplifiers} == {120000.0}


def test_full_size_is_that_of_the_real_detector() -> None:
    model = detector_model("LATISS", 0)
    assert (model.width, model.height) == (4072, 4000)
    amplifier = model.amplifier("C10")
    assert amplifier.raw_shape == (2048, 576)
    assert amplifier.imaging == (slice(0, 2000), slice(3, 512))
    assert amplifier.data_section == "[4:512,1:2000]"


@pytest.mark.parametrize(
    ("name", "section"),
    [
        ("C10", "[509:1,1:2000]"),
        ("C17", "[4072:3564,1:2000]"),
        ("C00", "[509:1,4000:2001]"),
        ("C07", "[4072:3564,4000:2001]"),
    ],
)
def test_detector_sections_are_those_of_real_raws(name: str, section: str) -> None:
    assert detector_model("LATISS", 0).amplifier(name).detector_section == section


def test_scale_divides_the_imaging_area_only() -> None:
    amplifier = detector_model("LATISS", 0, 4).amplifier("C03")
    assert (amplifier.width, amplifier.height) == (127, 500)
    assert amplifier.raw_shape == (548, 194)
    assert amplifier.gain == detector_model("LATISS", 0).amplifier("C03").gain


@pytest.mark.parametrize("scale", [1, 4, 8, 16])
def test_amplifiers_tile_the_detector(scale: int) -> None:
    model = detector_model("LATISS", 0, scale)
    places = {(a.x0, a.y0) for a in model.amplifiers}
    assert len(places) == 16
    assert sum(a.width * a.height for a in model.amplifiers) == model.width * model.height
    assert sorted(a.channel for a in model.amplifiers) == list(range(1, 17))
    # Seen from below: C00 to C07 is the lower row.
    assert model.amplifier("C07").y0 == 0
    assert model.amplifier("C17").y0 == model.height // 2


def test_crosstalk_is_small_and_none_with_itself() -> None:
    crosstalk = detector_model("LATISS", 0).crosstalk
    assert all(crosstalk[i][i] == 0.0 for i in range(16))
    assert all(abs(value) <= 1e-4 for row in crosstalk for value in row)
    assert crosstalk[4][3] == max(map(max, crosstalk)) > 1.5 * crosstalk[3][4] > 0.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("LATISS", 1), "known: LATISS: 0"),
        (("HSC", 0), "no camera model"),
        (("LATISS", 0, 0), "between 1 and 33"),
        (("LATISS", 0, 34), "between 1 and 33"),
    ],
)
def test_what_does_not_exist_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        detector_model(*arguments)


def test_unknown_amplifier_is_told_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no amplifier 'C18'; it has C00, C01"):
        detector_model("LATISS", 0).amplifier("C18")
