"""What calibrations do to an image, on arrays of known truth."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.pipelines.curvepoints import variance_model
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane, dark_time
from lsst.ts.simulated_observatory.pipelines.overscan import subtract_overscan
from lsst.ts.simulated_observatory.pipelines.raws import RawAmplifier, RawImage
from lsst.ts.simulated_observatory.pipelines.removal import (
    assemble_amplifiers,
    divide_by_flat,
    flag_cosmic_rays,
    flag_not_finite,
    saturation_levels,
    subtract_calibration,
)
from lsst.ts.simulated_observatory.pipelines.tables import Crosstalk, Linearizer, PhotonTransferCurve

ImageMaker = Callable[..., DetectorImage]
NAMES = ("C10", "C11")
BAD, SAT, NO_DATA, CR = (
    int(each) for each in (MaskPlane.BAD, MaskPlane.SAT, MaskPlane.NO_DATA, MaskPlane.CR)
)


def curve(turnoff: float, means: list[float], gain: float = 1.0, lack: float = 0.5) -> PhotonTransferCurve:
    """Pairs that above the turnoff lack some part of their variance."""
    variances = variance_model(np.array(means), gain, -2e-6, 8.0)
    variances[np.array(means) > turnoff] *= 1.0 - lack
    return PhotonTransferCurve(
        detector="RXX_S00",
        gain={"C10": gain, "C11": 1.5},
        noise=dict.fromkeys(NAMES, 8.0),
        ptcTurnoff={"C10": turnoff, "C11": math.nan},
        rawMeans={"C10": means},
        rawVars={"C10": variances.tolist()},
        a00={"C10": -2e-6},
    )


@pytest.mark.parametrize(
    ("turnoff", "means", "expected"),
    [
        (90e3, [15e3, 90e3, 98e3, 97e3], 93_500.0),  # saturates somewhere between 90 and 97 kadu
        (90e3, [15e3, 60e3, 90e3], 120e3),  # the brightest pair is good: nothing is known of what is above
        (115e3, [115e3, 130e3], 120e3),
        (math.nan, [15e3, 90e3], 120e3),
        (30e3, [30e3, math.nan, 40e3], 35e3),
    ],
)
def test_saturation_is_that_of_the_camera_model_or_of_the_curve(
    turnoff: float, means: list[float], expected: float
) -> None:
    levels = saturation_levels(NAMES, dict.fromkeys(NAMES, 120e3), curve(turnoff, means))
    assert levels == {"C10": expected, "C11": 120e3}


@pytest.mark.parametrize("lack", [-0.1, 0.1, math.nan])
def test_a_bright_pair_that_is_off_or_not_measured_says_nothing_of_saturation(lack: float) -> None:
    means = [15e3, 90e3, 107e3]
    assert saturation_levels(["C10"], {"C10": 120e3}, curve(90e3, means, lack=lack)) == {"C10": 120e3}


@pytest.mark.parametrize("levels", [{}, {"C10": 1e5}, {"C10": 1e5, "C11": math.nan}, {"C10": 0.0}])
def test_amplifier_whose_saturation_is_not_known_is_refused(levels: dict[str, float]) -> None:
    with pytest.raises(RuntimeError, match="no level of saturation of amplifier"):
        saturation_levels(NAMES, levels)


def test_cameras_saturate_at_levels_of_their_own() -> None:
    models = (detector_model("LATISS", 0), detector_model("LSSTComCam", 0), detector_model("LSSTCam", 0))
    assert [model.amplifiers[0].sensor.saturation for model in models] == [120e3, 92e3, 75.7e3]


@pytest.fixture
def raw_flat(rng: np.random.Generator, image_of: ImageMaker) -> RawImage:
    """Two amplifiers with 1000 adu of light: the first one is mirrored."""
    amplifiers = {}
    for name, place in image_of(np.zeros((200, 180))).amplifiers.items():
        array = rng.normal(20_000.0, 8.0, (248, 157))
        array[:200, 3:93] += 1000.0
        amplifiers[name] = RawAmplifier(np.rint(array), (slice(0, 200), slice(3, 93)), place)
    return RawImage(amplifiers, {})


def assembled(raw: RawImage, **calibrations: object) -> DetectorImage:
    results = {name: subtract_overscan(each) for name, each in raw.amplifiers.items()}
    return assemble_amplifiers(raw, results, **calibrations)  # type: ignore[arg-type]


@pytest.mark.parametrize("gain", [math.nan, 0.0, -1.07, math.inf])
def test_amplifier_without_a_gain_has_no_data_and_leaves_the_others_alone(
    raw_flat: RawImage, gain: float
) -> None:
    """As cp_pipe writes a dead amplifier."""
    image = assembled(raw_flat, ptc=curve(math.nan, [], gain))
    assert np.all(image.flags("C10") == NO_DATA)
    assert not image.flags("C11").any()
    assert image.pixels("C11").mean() == pytest.approx(1500.0, abs=2.0)
    assert math.isnan(image.metadata["LSST ISR GAIN C10"])


def test_amplifier_that_the_curve_does_not_have_has_no_data(raw_flat: RawImage) -> None:
    gains = curve(math.nan, [])
    del gains.gain["C11"]
    image = assembled(raw_flat, ptc=gains)
    assert np.all(image.flags("C11") == NO_DATA)
    assert not image.flags("C10").any()


def test_coefficients_that_are_no_numbers_give_no_data(raw_flat: RawImage) -> None:
    linear = assembled(raw_flat, linearizer=Linearizer("RXX_S00", {"C10": [math.nan], "C11": [0.0]}))
    cross = assembled(raw_flat, crosstalk=Crosstalk("RXX_S00", list(NAMES), [[0.0, math.nan], [0.0, 0.0]]))
    assert np.all(linear.flags("C10") == NO_DATA)
    assert not linear.flags("C11").any()
    assert NO_DATA in {int(cross.flags(name).max()) for name in NAMES}


@pytest.mark.parametrize(
    "calibrations",
    [
        {"linearizer": Linearizer("RXX_S00", {"C11": [0.0]})},
        {"crosstalk": Crosstalk("RXX_S00", ["C11"], [[0.0]])},
        {"crosstalk": Crosstalk("RXX_S00", ["C17", "C11"], [[0.0, 0.5], [0.5, 0.0]])},
    ],
    ids=["linearizer", "crosstalk", "crosstalk of another"],
)
def test_an_amplifier_that_a_table_does_not_have_has_no_data_and_leaves_the_others_alone(
    raw_flat: RawImage, calibrations: dict[str, object]
) -> None:
    image = assembled(raw_flat, **calibrations)
    assert np.all(image.flags("C10") == NO_DATA)
    assert not image.flags("C11").any()
    assert image.pixels("C11").mean() == pytest.approx(1000.0, abs=2.0)


def test_error_of_the_level_is_in_the_unit_of_the_image(raw_flat: RawImage) -> None:
    adu, electrons = assembled(raw_flat), assembled(raw_flat, ptc=curve(math.nan, []))
    key = "LSST ISR OVERSCAN LEVEL ERROR C11"
    assert electrons.metadata[key] == pytest.approx(1.5 * adu.metadata[key])
    assert 0.1 < adu.metadata[key] < 0.5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("which", ["bias", "dark", "flat", "pixel"])
def test_pixels_that_become_no_numbers_have_no_data(image_of: ImageMaker, which: str, value: float) -> None:
    image, calibration = image_of(np.full((20, 40), 100.0)), image_of(np.ones((20, 40)))
    calibration.image[3, 4] = value
    if which == "flat":
        divide_by_flat(image, calibration)
    elif which == "pixel":
        image.image[3, 4] = value
    else:
        subtract_calibration(image, calibration, which, 1.0 if which == "bias" else 30.0)
    flag_not_finite(image)
    assert np.argwhere(image.mask).tolist() == [[3, 4]]
    assert image.mask[3, 4] == NO_DATA


@pytest.mark.parametrize("response", [1e-6, 0.05, 0.0, -1.0, 1e6])
def test_pixels_without_a_response_have_no_data(image_of: ImageMaker, response: float) -> None:
    image, flat = image_of(np.full((20, 40), 100.0)), image_of(np.ones((20, 40)))
    flat.image[3, 4], flat.image[5, 6] = response, 0.5
    divide_by_flat(image, flat)
    assert image.image[5, 6] == 200.0
    assert np.argwhere(image.mask).tolist() == [[3, 4]]
    assert image.mask[3, 4] == NO_DATA
    assert image.image.max() == 200.0


def test_what_a_calibration_has_not_measured_is_bad(image_of: ImageMaker) -> None:
    for apply in (divide_by_flat, partial(subtract_calibration, name="bias")):
        image, calibration = image_of(np.ones((20, 40))), image_of(np.ones((20, 40)))
        calibration.mask[0, :4] = np.array([BAD, SAT, NO_DATA, CR])
        apply(image, calibration)
        assert image.mask[0, :4].tolist() == [BAD, BAD, BAD | NO_DATA, 0]
        assert not image.mask[1:].any()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"DARKTIME": math.nan, "EXPTIME": 30.0}, 30.0),
        ({"DARKTIME": 30.2, "EXPTIME": math.nan}, 30.2),
        ({"DARKTIME": 30.2, "EXPTIME": 30.0}, 30.2),
        ({"DARKTIME": None, "EXPTIME": 0.0}, 0.0),
    ],
)
def test_dark_time_is_the_longer_of_what_is_known(header: dict[str, float | None], expected: float) -> None:
    assert dark_time(header) == expected


def test_dark_time_that_is_not_known_is_no_number() -> None:
    assert math.isnan(dark_time({"DARKTIME": math.nan}, missing=math.nan))


@pytest.mark.parametrize("plane", [BAD, SAT, NO_DATA])
def test_known_pixels_are_no_cosmic_rays(rng: np.random.Generator, image_of: ImageMaker, plane: int) -> None:
    image = image_of(rng.normal(0.0, 9.0, (200, 400)))
    known = rng.random((200, 400)) < 0.025
    image.image[known] += 5_000.0
    image.mask[known] = plane
    image.image[49:52, 99:102], image.mask[49:52, 99:102] = 0.0, 0
    image.image[50, 100] = 5_000.0
    flag_cosmic_rays(image)
    assert np.argwhere(image.mask == CR).tolist() == [[50, 100]]
    assert image.metadata["COSMIC RAY PIXELS"] == 1
