"""The pipelines as the OCPS runs them: pipetask command lines on a small repository."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler, CollectionType, Timespan
from lsst.pipe.base import Pipeline

from lsst.ts.simulated_observatory.detector.truth import draw_truth
from lsst.ts.simulated_observatory.pipelines.forks import prepared
from lsst.ts.simulated_observatory.pipelines.new_repository import (
    calibration_type,
    certify_camera_model,
    create_repository,
)
from lsst.ts.simulated_observatory.pipelines.raw_ingest import ingest_raw
from lsst.ts.simulated_observatory.pipelines.tables import Defects, PhotonTransferCurve

from .camera import Camera

PIPELINES = "resource://lsst.ts.simulated_observatory.pipelines"
CALIB, RAW = "LATISS/calib", "LATISS/raw/all"
DATA_ID = {"instrument": "LATISS", "detector": 0}

pytestmark = pytest.mark.endtoend


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory, camera: Camera) -> str:
    """A repository that has a true photon transfer curve, defects and the camera model."""
    path = str(tmp_path_factory.mktemp("night") / "repo")
    create_repository(path)
    truth = draw_truth(camera.model, camera.seed)
    curve = PhotonTransferCurve(
        detector="RXX_S00",
        gain={each.name: each.gain for each in truth.amplifiers},
        noise={each.name: each.read_noise for each in truth.amplifiers},
        imageNoise={each.name: 1.032 * each.read_noise for each in truth.amplifiers},
    )
    shape = (camera.model.height, camera.model.width)
    with Butler.from_config(path, run="reference", writeable=True) as butler:
        certify_camera_model(butler, camera.model, run="camera", collection="LATISS/calib/reference")
        for name, calibration in {"ptc": curve, "defects": Defects("RXX_S00", shape, [])}.items():
            ref = butler.put(calibration, calibration_type(butler, name), DATA_ID)
            butler.registry.certify("LATISS/calib/reference", [ref], Timespan(None, None))
        butler.collections.register(CALIB, CollectionType.CHAINED)
        butler.collections.redefine_chain(CALIB, ["LATISS/calib/reference"])
    return path


@pytest.fixture(scope="module")
def take(repo: str, camera: Camera) -> Callable[..., list[int]]:
    """Take and ingest images, numbered from the first; returns their exposure ids."""

    def run(image_type: str, first: int, *times: float, faults: Sequence[str] = ()) -> list[int]:
        files = camera.take(image_type, times, first=first, faults=faults)
        with Butler.from_config(repo, writeable=True) as butler:
            refs = [ingest_raw(butler, str(path)) for path in files]
        return [int(ref.dataId["exposure"]) for (ref,) in refs]

    return run


@pytest.fixture(scope="module")
def pipetask(repo: str) -> Callable[..., str]:
    """Run a pipeline as the OCPS does; returns its output collection."""

    def run(job: str, pipeline: str, exposures: list[int], *, inputs: str = CALIB, options: str = "") -> str:
        chosen = ", ".join(map(str, exposures))
        query = f"instrument='LATISS' AND detector IN (0) AND exposure IN ({chosen})"
        words = ["-i", RAW, "-j", "1", "-i", inputs, "--register-dataset-types", *options.split()]
        arguments = ["--long-log", "run", "-p", f"{PIPELINES}/{pipeline}", "-b", repo, "-o", f"u/ocps/{job}"]
        arguments += [*words, "--output-run", f"u/ocps/{job}/run", "-d", query]
        log = Path(repo).parent / f"{job}.log"
        status = prepared(os.environ).fork(arguments, os.environ, log).wait()
        assert status == 0, log.read_text(encoding="utf-8")[-3000:]
        return f"u/ocps/{job}"

    return run


def test_combined_bias_of_three_images_fails_noise_against_the_same_images(
    repo: str, take: Callable[..., list[int]], pipetask: Callable[..., str], camera: Camera
) -> None:
    exposures = take("BIAS", 1, 0, 0, 0)
    options = (
        "-c isr:doDefect=False -c isr:doLinearize=False -c isr:doCrosstalk=False "
        "-c isr:overscan.fitType='MEDIAN_PER_ROW'"
    )
    made = pipetask("generate", "cpBias.yaml", exposures, options=options)
    checked = pipetask("verify", "verifyBias.yaml", exposures, inputs=f"{made},{CALIB}")
    with Butler.from_config(repo, collections=[checked]) as butler:
        run = butler.get("verifyBiasStats", instrument="LATISS")
        assert set(run) == {*exposures, "SUCCESS"}
        for exposure in exposures:
            amplifiers = [f"RXX_S00 {amplifier.name} NOISE" for amplifier in camera.model.amplifiers]
            assert set(amplifiers) <= set(run[exposure]["FAILURES"])
        table = butler.get("verifyBiasResults", instrument="LATISS")
        assert list(table["exposure"]) == sorted(exposures * len(amplifiers))
        assert not any(table["BIAS_VERIFY_NOISE"])
        detector = butler.get("verifyBiasDetStats", DATA_ID, exposure=exposures[0])
        assert table["BIAS_NOISE"][0] == detector["AMP"]["C00"]["NOISE"]
        assert set(detector) == {"AMP", "METADATA", "CATALOG", "DET", "VERIFY", "SUCCESS"}
        assert set(detector["AMP"]["C00"]) == {"MEAN", "NOISE", "CR_NOISE", "AMP_CORNER", "NPIXELS"}
        image = butler.get("verifyBiasProc", detector=0, exposure=exposures[0], instrument="LATISS")
        assert image.getImage().getArray().shape == (camera.model.height, camera.model.width)
    with Butler.from_config(repo, collections=[made]) as butler:
        bias = butler.get("bias", DATA_ID)
        assert bias.metadata["INPUT EXPOSURES"] == exposures
        assert bias.metadata["SIMULATE ATCAMERA"] == 1
        curve = butler.get("ptc", DATA_ID, collections="reference")
        ratios = [bias.metadata[f"LSST CALIB NOISE {name}"] / curve.imageNoise[name] for name in curve.gain]
        assert np.mean(ratios) == pytest.approx(1.0, abs=0.02)


def test_gain_of_a_pair_is_found_under_the_id_of_either_flat(
    repo: str, take: Callable[..., list[int]], pipetask: Callable[..., str]
) -> None:
    exposures = take("FLAT", 4, 5, 5, 5, faults=("amplifier-dead:amplifier=C03",))
    made = pipetask(
        "gain",
        "cpPtc.yaml#generateGainFromFlatPair",
        exposures,
        options="-c isr:doCrosstalk=False",
    )
    with Butler.from_config(repo, collections=[made]) as butler:
        pair = butler.get("cpPtcExtract", detector=0, exposure=exposures[0], instrument="LATISS")
        again = butler.get("cpPtcExtract", detector=0, exposure=exposures[1], instrument="LATISS")
        assert pair.to_dict() == again.to_dict()
        assert pair.pairs == [tuple(exposures[:2])]
        assert not butler.exists("cpPtcExtract", detector=0, exposure=exposures[2], instrument="LATISS")
        curve = butler.get("ptc", DATA_ID, collections="reference")
        assert np.isnan(pair.gain["C03"])
        lit = [name for name in pair.gain if name != "C03"]
        # Brighter-fatter raises the gain of a pair by 4 per cent at 16 kadu; small amplifiers scatter.
        gains = np.array([pair.gain[name] / curve.gain[name] for name in lit])
        assert gains.mean() == pytest.approx(1.043, abs=0.025)
        noise = np.array([pair.noise[name] / curve.noise[name] for name in lit])
        assert noise.mean() == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("cpBias", ["isr", "cpBiasCombine"]),
        ("cpDark", ["isr", "cpDarkCombine"]),
        ("cpFlat", ["isr", "cpFlatMeasure", "cpFlatNorm", "cpFlatCombine"]),
        ("cpDefects", ["isr", "cpMeasureDarkDefects", "cpMeasureFlatDefects", "cpMergeDefects"]),
        ("cpPtc", ["isr", "cpExtract", "cpPtcSolve"]),
        ("verifyBias", ["verifyBiasIsr", "verifyBiasDet", "verifyBiasExp", "verifyBias"]),
        ("verifyDark", ["verifyDarkIsr", "verifyDarkDet", "verifyDarkExp", "verifyDark"]),
        ("verifyFlat", ["verifyFlatIsr", "verifyFlatDet", "verifyFlatExp", "verifyFlat"]),
        ("verifyDefects", ["verifyDefectsIsr", "verifyDefectsDet", "verifyDefectsExp", "verifyDefects"]),
        ("verifyPtc", ["verifyPtcDet", "verifyPtc"]),
    ],
)
def test_pipelines_have_the_documented_labels(name: str, labels: list[str]) -> None:
    pipeline = Pipeline.from_uri(f"{PIPELINES}/{name}.yaml")
    assert sorted(pipeline.task_labels) == sorted(labels)
    assert sorted(pipeline.to_graph().tasks) == sorted(labels)


@pytest.mark.long
def test_curve_and_defects_of_a_night_are_verified_before_they_are_certified(
    repo: str, take: Callable[..., list[int]], pipetask: Callable[..., str], camera: Camera
) -> None:
    biases, darks = take("BIAS", 7, *[0] * 12), take("DARK", 19, 10, 15, 20)
    flats = take("FLAT", 22, 5, 5, 10, 10, 15, 15, 20, 20, 25, 25, 30, 30, 35, 35)
    off = "-c isr:doDefect=False"
    bias = pipetask("bias", "cpBias.yaml", biases, options=off)
    dark = pipetask("dark", "cpDark.yaml", darks, inputs=f"{bias},{CALIB}", options=off)
    inputs = f"{bias},{dark},{CALIB}"
    full = "-c isr:doCrosstalk=False -c cpPtcSolve:ptcFitType=FULLCOVARIANCE"
    curve = pipetask("curve", "cpPtc.yaml", flats, inputs=inputs, options=full)
    defects = pipetask("defects", "cpDefects.yaml", darks + flats, inputs=inputs, options=off)
    # LATISS/calib has a certified curve, which is perfect: it must not be taken for the new one.
    checked = pipetask("check-curve", "verifyPtc.yaml", flats, inputs=f"{curve},{inputs}")
    checked_defects = pipetask("check-defects", "verifyDefects.yaml", flats[:2], inputs=f"{defects},{inputs}")
    truth = draw_truth(camera.model, camera.seed)
    with Butler.from_config(repo) as butler:
        made = butler.get("ptc", DATA_ID, collections=curve)
        assert (made.detector, made.ptcFitType) == ("RXX_S00", "FULLCOVARIANCE")
        # With 3567 pixels an amplifier, gain and b are known to a few per cent, and their errors say so.
        deviations = np.array([made.gain[each.name] / each.gain - 1.0 for each in truth.amplifiers])
        errors = np.array([made.gainErr[name] / made.gain[name] for name in made.gain])
        assert np.all(errors < 0.05)
        assert np.mean(deviations) == pytest.approx(0.0, abs=0.03)
        assert np.all(np.abs(deviations) < 3.0 * errors)
        assert np.median(list(made.a00.values())) == pytest.approx(-2.5e-6, rel=0.3)
        details = butler.get("verifyPtcDetStats", DATA_ID, collections=checked)
        assert details["AMP"]["C00"]["PTC_GAIN"] == made.gain["C00"] != truth.amplifiers[0].gain
        result = butler.get("verifyPtcStats", instrument="LATISS", collections=checked)
        assert set(result) == {"RXX_S00", "SUCCESS"}
        assert result["SUCCESS"] is details["SUCCESS"]
        found = butler.get("defects", DATA_ID, collections=defects)
        assert found.detector == "RXX_S00"
        run = butler.get("verifyDefectsStats", instrument="LATISS", collections=checked_defects)
        assert run == {flats[0]: {"SUCCESS": True}, flats[1]: {"SUCCESS": True}, "SUCCESS": True}
        details = butler.get("verifyDefectsDetStats", DATA_ID, exposure=flats[0], collections=checked_defects)
        numbers = [values["DEFECT_PIXELS"] for values in details["AMP"].values()]
        assert sum(numbers) == np.count_nonzero(found.mask)


def test_options_of_the_procedure_pages_are_accepted() -> None:
    pipeline = Pipeline.from_uri(f"{PIPELINES}/cpFlat.yaml")
    for field in ("doDefect", "doLinearize", "doCrosstalk"):
        pipeline.addConfigOverride("isr", field, "False")
    pipeline.addConfigOverride("isr", "overscan.fitType", "'MEDIAN_PER_ROW'")
    pipeline.addConfigOverride("cpFlatMeasure", "doVignette", "False")
    tasks: Mapping[str, Any] = pipeline.to_graph().tasks
    assert tasks["isr"].config.doDefect is False
    assert tasks["isr"].config.overscan.fitType == "MEDIAN_PER_ROW"
    assert tasks["cpFlatMeasure"].config.doVignette is False
