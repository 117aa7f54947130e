# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.
"""The fields of a curve that others read are measured on the pixels."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

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
LEVELS = (3_000.0, 15_000.0, 30_000.0, 60_000.0, 90_000.0)
"""Electrons of the pairs; the second flat of each has 1 per cent more light than the first."""


@pytest.fixture
def curves(
    rng: np.random.Generator, image_of: ImageMaker
) -> Callable[[str], tuple[list[PhotonTransferCurve], PhotonTransferCurve]]:
    """Pairs of flats without brighter-fatter effect, and their curve; C11 is saturated in the last pair."""

    def flat(exposure: int, level: float) -> DetectorImage:
        charge = rng.poisson(level, (300, 800)) + rng.normal(0.0, READ_NOISE, (300, 800))
        charge /= np.where(np.arange(800) < 400, *GAIN.values())
        header: dict[str, object] = {
            "EXPOSURE": exposure, "EXPTIME": level / 3000.0, "CCD_MANU": "ITL", "DETECTOR NAME": "RXX_S00",
            "MJD-BEG": 60690.0 + exposure / 1000.0,
        }  # fmt: skip
        for name, gain in GAIN.items():
            header[f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}"] = READ_NOISE / gain
            header[f"LSST ISR OVERSCAN SERIAL MEDIAN {name}"] = 17_000.0 + exposure
        return image_of(charge, **header)

    def make(fit_type: str) -> tuple[list[PhotonTransferCurve], PhotonTransferCurve]:
        extract, solve = ExtractPairsTask(config=ExtractPairsConfig()), SolveConfig()
        pairs = []
        for number, level in enumerate(LEVELS):
            first, second = flat(2 * number + 1, level), flat(2 * number + 2, 1.01 * level)
            if level == LEVELS[-1]:
                second.flags("C11")[:] = MaskPlane.SAT
            pairs.append(extract.run(first, second).outputPair)
        bias = image_of(np.zeros((300, 800)))
        for name, gain in GAIN.items():
            bias.metadata |= {f"LSST CALIB NOISE {name}": READ_NOISE / gain, f"LSST ISR GAIN {name}": 1.0}
        solve.ptcFitType = fit_type
        curve: PhotonTransferCurve = SolveTask(config=solve).run(pairs, bias).outputCurve
        return pairs, curve

    return make


@pytest.mark.parametrize("fit_type", ["EXPAPPROXIMATION", "FULLCOVARIANCE"])
def test_a_curve_has_what_was_measured_on_its_pairs(
    curves: Callable[[str], tuple[list[PhotonTransferCurve], PhotonTransferCurve]], fit_type: str
) -> None:
    pairs, curve = curves(fit_type)
    assert [pair.ptcFitType for pair in pairs] == ["PARTIAL"] * 5
    assert (curve.ptcFitType, curve.badAmps) == (fit_type, [])
    assert curve.pairs == [(2 * n + 1, 2 * n + 2) for n in range(5)]
    assert curve.expIdMask == {"C10": [True] * 5, "C11": [True] * 4 + [False]}
    for name, gain in GAIN.items():
        used = 5 if name == "C10" else 4
        levels = np.array(LEVELS[:used])
        assert curve.rawExpTimes[name] == [level / 3000.0 for level in LEVELS]
        assert curve.gainList[name][:used] == [pair.gain[name] for pair in pairs][:used]
        assert curve.gainList[name][:used] == pytest.approx([gain] * used, rel=0.03)
        assert curve.rawDeltas[name][:used] == pytest.approx((0.01 * levels / gain).tolist(), rel=0.05)
        assert curve.overscanMedianLevelList[name] == [17_001.5 + 2 * n for n in range(5)]
        assert curve.inputExpPairMjdStartList[name] == [60690.0 + (2 * n + 1) / 1000.0 for n in range(5)]
        # Signal and noise are those of Poisson, and the model has them within the errors of the variances.
        signal, square = 1.005 * levels / gain, READ_NOISE**2
        truth = signal / gain + square / gain**2
        assert curve.finalMeans[name][:used] == pytest.approx(signal.tolist(), rel=2e-3)
        assert curve.finalVars[name][:used] == pytest.approx(truth.tolist(), rel=0.03)
        assert curve.finalModelVars[name][:used] == pytest.approx(truth.tolist(), rel=0.02)
        assert all(map(math.isnan, curve.finalModelVars[name][used:] + curve.finalMeans[name][used:]))
        a00, fitted_gain, noise = curve.ptcFitPars[name]
        assert (a00, fitted_gain) == (curve.a00[name], curve.gain[name])
        assert noise == pytest.approx(square, rel=0.1)
        assert curve.ptcFitParsError[name][:2] == [curve.a00Err[name], curve.gainErr[name]]
        if fit_type == "FULLCOVARIANCE":
            assert np.shape(curve.covariancesModel[name]) == np.shape(curve.covariances[name])
            assert np.shape(curve.noiseMatrix[name]) == np.shape(curve.aMatrix[name])
            assert curve.noiseMatrix[name][0][0] == pytest.approx(noise)
            model = np.array(curve.covariancesModel[name])[:used, 0, 0]
            assert curve.finalModelVars[name][:used] == model.tolist()
