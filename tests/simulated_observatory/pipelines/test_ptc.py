# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from lsst.pipe.base import NoWorkFound

from lsst.ts.simulated_observatory.pipelines.covariancefit import covariance_model
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.ptc import (
    ExtractPairsConfig,
    ExtractPairsTask,
    SolveConfig,
    SolveTask,
)
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve

ImageMaker = Callable[..., DetectorImage]
GAIN = {"C10": 1.05, "C11": 1.10}
READ_NOISE = 8.8


@pytest.fixture
def flat(rng: np.random.Generator, image_of: ImageMaker) -> Callable[[int, float], DetectorImage]:
    """A flat in adu of some exposure time, from a lamp of 3000 electron/s; no brighter-fatter effect."""

    def make(exposure: int, time: float) -> DetectorImage:
        charge = rng.poisson(3000.0 * time, (400, 1000)) + rng.normal(0.0, READ_NOISE, (400, 1000))
        charge[:, :500] /= GAIN["C10"]
        charge[:, 500:] /= GAIN["C11"]
        noise = {
            f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}": READ_NOISE / gain
            for name, gain in GAIN.items()
        }
        return image_of(
            charge, EXPOSURE=exposure, EXPTIME=time, CCD_MANU="ITL", **noise | {"DETECTOR NAME": "RXX_S00"}
        )

    return make


def pair_of(first: DetectorImage, second: DetectorImage) -> PhotonTransferCurve:
    return ExtractPairsTask(config=ExtractPairsConfig()).run(first, second).outputPair


def test_pair_gives_gain_mean_and_the_noise_of_the_overscan(
    flat: Callable[[int, float], DetectorImage],
) -> None:
    pair = pair_of(flat(11, 0.5), flat(12, 0.5))
    assert pair.inputExpIdPairs == {name: [(11, 12)] for name in GAIN}
    assert pair.rawExpTimes == {name: [0.5] for name in GAIN}
    assert pair.detector == "RXX_S00"
    for name, gain in GAIN.items():
        assert pair.gain[name] == pytest.approx(gain, rel=0.02)
        assert pair.rawMeans[name][0] == pytest.approx(1500 / gain, rel=1e-3)
        assert pair.overscanNoise[name] == [READ_NOISE / gain]
        # The gain that makes electrons of it is corrected for an effect that these flats do not have: 0.4
        # per cent.
        assert pair.noise[name] == pytest.approx(READ_NOISE, rel=0.025)


def test_edges_and_bad_pixels_are_left_out(flat: Callable[[int, float], DetectorImage]) -> None:
    first, second = flat(1, 5.0), flat(2, 5.0)
    for image in (first, second):
        image.image[:20] = image.image[-20:] = 0.0
    first.image[100:110] = 5e4
    first.mask[100:110] = MaskPlane.BAD
    pair = pair_of(first, second)
    assert pair.pixelCounts["C10"][0] == pytest.approx((400 - 40 - 10) * 460, rel=1e-4)
    assert pair.gain["C10"] == pytest.approx(GAIN["C10"], rel=0.02)


def test_amplifier_without_good_pixels_has_no_gain(flat: Callable[[int, float], DetectorImage]) -> None:
    first, second = flat(1, 5.0), flat(2, 5.0)
    second.flags("C11")[:] = MaskPlane.SAT
    pair = pair_of(first, second)
    assert math.isnan(pair.gain["C11"])
    assert math.isnan(pair.noise["C11"])
    assert pair.gain["C10"] > 1.0


def test_faint_pair_has_the_noise_of_an_image_and_not_that_of_its_overscan(
    flat: Callable[[int, float], DetectorImage],
) -> None:
    pair = [flat(number, 0.1) for number in (1, 2)]
    for image in pair:
        image.metadata = {
            key: value / 1.032 if "STDEV" in key else value for key, value in image.metadata.items()
        }
    found = pair_of(*pair)
    for name, gain in GAIN.items():
        assert found.gain[name] == pytest.approx(gain, rel=4 * math.sqrt(2 / 165_000))
        assert found.overscanNoise[name] == [pytest.approx(READ_NOISE / 1.032 / gain)]


def test_noise_of_a_pair_beyond_the_linear_correction_is_null(
    flat: Callable[[int, float], DetectorImage],
) -> None:
    found = pair_of(flat(1, 20.0), flat(2, 20.0))
    assert all(map(math.isnan, found.noise.values()))
    assert found.gain["C10"] == pytest.approx(GAIN["C10"], rel=0.02)


def test_pairs_say_why_they_have_no_gain_and_cost_the_curve_nothing_else(
    flat: Callable[[int, float], DetectorImage], image_of: ImageMaker
) -> None:
    times = (2.0, 5.0, 10.0, 15.0, 20.0, 30.0)
    pairs = [(flat(2 * index, time), flat(2 * index + 1, time)) for index, time in enumerate(times, start=1)]
    pairs[1][1].pixels("C10")[:] *= 0.5
    pairs[-1][0].flags("C11")[:40] = MaskPlane.SAT
    measured = [pair_of(*pair) for pair in pairs]
    assert [sorted(each.reasons) for each in measured] == [[], ["C10"], [], [], [], ["C11"]]
    assert "levels" in measured[1].reasons["C10"]
    assert "saturated" in measured[-1].reasons["C11"]
    curve = SolveTask(config=SolveConfig()).run(measured, bias_with(READ_NOISE, image_of)).outputCurve
    assert [index for index, used in enumerate(curve.usedPoints["C10"]) if not used] == [1]
    assert [index for index, used in enumerate(curve.usedPoints["C11"]) if not used] == [5]
    for name, gain in GAIN.items():
        assert curve.gain[name] == pytest.approx(gain, rel=0.012)
        assert 0.0 < curve.ptcFitChiSq[name] < 5.0
        assert curve.ptcFitDof[name] == 3
    assert curve.reasons == {}


def test_pixels_that_are_seen_to_jump_beside_little_light_alone_leave_no_curve(
    flat: Callable[[int, float], DetectorImage], image_of: ImageMaker
) -> None:
    """With more light they hide behind the photons, and make the gain of the curve 2 per cent too small."""
    jumping, measured = np.random.default_rng(1).random((400, 500)) < 0.01, []
    for exposure, time in ((1, 2.0), (3, 15.0), (5, 30.0)):
        pair = flat(exposure, time), flat(exposure + 1, time)
        for number, image in enumerate(pair):
            image.pixels("C11")[jumping] += np.random.default_rng(number).choice(
                [-200.0, 200.0], jumping.sum()
            )
        measured.append(pair_of(*pair))
    assert [list(each.reasons) for each in measured] == [["C11"], [], []]
    for fit_type in ("EXPAPPROXIMATION", "FULLCOVARIANCE"):
        config = SolveConfig()
        config.ptcFitType = fit_type
        curve = SolveTask(config=config).run(measured, bias_with(READ_NOISE, image_of)).outputCurve
        assert np.isnan([curve.gain["C11"], curve.gainErr["C11"], curve.a00["C11"]]).all()
        assert not any(curve.usedPoints["C11"])
        assert "in the faintest pair" in curve.reasons["C11"]
    assert curve.gain["C10"] == pytest.approx(GAIN["C10"], rel=0.03)


@pytest.mark.parametrize(("jump", "good"), [((1,), True), ((3,), True), ((1, 3), False)])
def test_pixels_that_jump_in_one_of_two_faint_pairs_cost_this_pair(
    flat: Callable[[int, float], DetectorImage], image_of: ImageMaker, jump: tuple[int, ...], good: bool
) -> None:
    """Which pair of a level is the fainter one is chance."""
    jumping, measured = np.random.default_rng(1).random((400, 500)) < 0.01, []
    for exposure, time in ((1, 2.0), (3, 2.0), (5, 15.0), (7, 30.0)):
        pair = flat(exposure, time), flat(exposure + 1, time)
        for number, image in enumerate(pair):
            if exposure in jump:
                image.pixels("C11")[jumping] += np.random.default_rng(number).choice(
                    [-200.0, 200.0], jumping.sum()
                )
        measured.append(pair_of(*pair))
    curve = SolveTask(config=SolveConfig()).run(measured, bias_with(READ_NOISE, image_of)).outputCurve
    assert math.isfinite(curve.gain["C11"]) == good
    assert sum(curve.usedPoints["C11"]) == (3 if good else 0)


def test_defects_that_saturate_and_a_stuck_amplifier_cost_nothing_else(
    flat: Callable[[int, float], DetectorImage],
) -> None:
    pair = flat(1, 5.0), flat(2, 5.0)
    stuck = np.random.default_rng(1).random((400, 500)) < 0.8
    for image in pair:
        image.flags("C10")[:, 100:140] = MaskPlane.BAD | MaskPlane.SAT
        image.pixels("C11")[stuck] = 14_000.0
    found = pair_of(*pair)
    assert found.gain["C10"] == pytest.approx(GAIN["C10"], rel=0.02)
    assert math.isnan(found.gain["C11"])
    assert list(found.reasons) == ["C11"]
    pair[0].flags("C10")[:, 200:210] = MaskPlane.SAT
    assert "saturated" in pair_of(*pair).reasons["C10"]


@pytest.mark.parametrize("missing", [0, 1])
def test_begin_of_a_pair_is_not_known_if_that_of_one_flat_is_not(
    flat: Callable[[int, float], DetectorImage], missing: int
) -> None:
    pair = flat(1, 0.5), flat(2, 0.5)
    pair[1 - missing].metadata = pair[1 - missing].metadata | {"MJD-BEG": 60_000.5}
    pair[missing].metadata = pair[missing].metadata | {"MJD-BEG": None}
    assert math.isnan(pair_of(*pair).inputExpPairMjdStartList["C10"][0])


def test_curve_of_one_level_is_null_with_the_reason(
    flat: Callable[[int, float], DetectorImage], image_of: ImageMaker
) -> None:
    pairs = [pair_of(flat(2 * index, 5.0), flat(2 * index + 1, 5.0)) for index in range(1, 4)]
    for fit_type in ("EXPAPPROXIMATION", "FULLCOVARIANCE"):
        config = SolveConfig()
        config.ptcFitType = fit_type
        curve = SolveTask(config=config).run(pairs, bias_with(READ_NOISE, image_of)).outputCurve
        for table in (curve.gain, curve.gainErr, curve.noise, curve.a00, curve.ptcTurnoff, curve.imageNoise):
            assert all(map(math.isnan, table.values()))
        assert set(curve.reasons.values()) == {"pairs that can be used have 1 levels of light"}


def test_curve_has_the_noise_of_the_combined_bias_in_its_own_gain(
    flat: Callable[[int, float], DetectorImage], image_of: ImageMaker
) -> None:
    times = (1.0, 5.0, 10.0, 20.0, 30.0)
    pairs = [
        pair_of(flat(2 * index, time), flat(2 * index + 1, time)) for index, time in enumerate(times, start=1)
    ]
    bias = image_of(np.zeros((400, 1000)))
    for name, gain in GAIN.items():
        # A bias in electrons of a gain that was 2 per cent too high.
        bias.metadata |= {
            f"LSST CALIB NOISE {name}": 1.02 * 1.032 * READ_NOISE,
            f"LSST ISR GAIN {name}": 1.02 * gain,
        }
    # Every pair is stored for either flat and comes twice.
    curve = SolveTask(config=SolveConfig()).run(pairs[::-1] + pairs, bias).outputCurve
    assert curve.pairs == [(2, 3), (4, 5), (6, 7), (8, 9), (10, 11)]
    for name, gain in GAIN.items():
        assert curve.gain[name] == pytest.approx(gain, rel=0.01)
        assert curve.imageNoise[name] == pytest.approx(1.032 * READ_NOISE, rel=0.01)
        assert curve.noise[name] == pytest.approx(READ_NOISE, rel=0.01)
        assert abs(curve.a00[name]) < 3e-7
        assert curve.usedPoints[name] == [True] * 5
        assert curve.ptcTurnoff[name] == max(curve.rawMeans[name])
        assert abs(curve.noise[name] - READ_NOISE) < 4 * curve.noiseErr[name] < 0.3


def bias_with(noise: float, image_of: ImageMaker) -> DetectorImage:
    """A combined bias in adu that knows the noise (electron) of its images."""
    bias = image_of(np.zeros((400, 1000)))
    for name, gain in GAIN.items():
        bias.metadata |= {f"LSST CALIB NOISE {name}": noise / gain, f"LSST ISR GAIN {name}": 1.0}
    return bias


def test_noise_of_faint_pairs_is_compared_with_that_of_biases(
    flat: Callable[[int, float], DetectorImage], image_of: ImageMaker, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = [
        pair_of(flat(2 * number, time), flat(2 * number + 1, time))
        for number, time in enumerate((0.05, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6), start=1)
    ]
    curve = SolveTask(config=SolveConfig()).run(pairs, bias_with(READ_NOISE, image_of)).outputCurve
    assert caplog.messages == []
    for name, gain in GAIN.items():
        assert curve.gain[name] == pytest.approx(gain, rel=0.01)
        assert curve.noise[name] == pytest.approx(READ_NOISE, rel=0.02)
    curve = SolveTask(config=SolveConfig()).run(pairs, bias_with(1.2 * READ_NOISE, image_of)).outputCurve
    # Of the noise of an image, such biases have it, the overscan is 1 / 1.2: that is the read noise.
    assert curve.noise["C10"] == pytest.approx(READ_NOISE / 1.2, rel=0.02)
    assert [message.split(":")[0] for message in caplog.messages] == [
        "Amplifier C10 of RXX_S00",
        "Amplifier C11 of RXX_S00",
    ]


def test_full_covariance_has_matrices_and_no_brighter_fatter_where_there_is_none(
    flat: Callable[[int, float], DetectorImage], image_of: ImageMaker
) -> None:
    pairs = [
        pair_of(flat(2 * number, time), flat(2 * number + 1, time))
        for number, time in enumerate((1.0, 5.0, 10.0, 20.0, 30.0), start=1)
    ]
    config = SolveConfig()
    config.ptcFitType = "FULLCOVARIANCE"
    curve = SolveTask(config=config).run(pairs, bias_with(READ_NOISE, image_of)).outputCurve
    assert curve.ptcFitType == "FULLCOVARIANCE"
    for name, gain in GAIN.items():
        assert curve.gain[name] == pytest.approx(gain, rel=0.01)
        assert np.shape(curve.aMatrix[name]) == np.shape(curve.bMatrix[name]) == (8, 8)
        assert curve.a00[name] == curve.aMatrix[name][0][0]
        assert abs(curve.a00[name]) < 5 * curve.a00Err[name] < 2e-6
        assert np.abs(curve.aMatrix[name])[3:, 3:].max() < 1e-7
        assert curve.bMatrix[name][0][0] == 0.0  # of an effect that is not there nothing is known
    a = np.zeros((8, 8))
    a[:2, :2] = [[-2.5e-6, 4e-7], [3e-7, 1e-7]]
    for pair in pairs:
        for name, gain in GAIN.items():
            matrix = covariance_model(np.array(pair.rawMeans[name]), gain, a, 1e-6 * a)
            matrix[:, 0, 0] += (READ_NOISE / gain) ** 2
            pair.covariances[name], pair.rawVars[name] = matrix.tolist(), matrix[:, 0, 0].tolist()
            pair.pixelCounts[name] = [1_000_000]
    curve = SolveTask(config=config).run(pairs, bias_with(READ_NOISE, image_of)).outputCurve
    assert all(curve.bMatrix[name][0][0] > 1e-7 for name in GAIN)
    config.ptcFitType = "FULLCOVARIANCE_NO_B"
    curve = SolveTask(config=config).run(pairs, bias_with(READ_NOISE, image_of)).outputCurve
    assert not np.any(curve.bMatrix["C10"])


def test_full_covariance_without_covariances_is_refused(
    flat: Callable[[int, float], DetectorImage], image_of: ImageMaker
) -> None:
    extract, solve = ExtractPairsConfig(), SolveConfig()
    extract.maximumRangeCovariancesAstier = 1
    solve.ptcFitType = "FULLCOVARIANCE"
    pair = ExtractPairsTask(config=extract).run(flat(1, 5.0), flat(2, 5.0)).outputPair
    assert np.shape(pair.covariances["C10"]) == (1, 1, 1)
    with pytest.raises(NoWorkFound, match="maximumRangeCovariancesAstier"):
        SolveTask(config=solve).run([pair], bias_with(READ_NOISE, image_of))
