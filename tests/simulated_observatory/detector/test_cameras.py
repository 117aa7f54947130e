"""The detectors of LSSTComCam and LSSTCam beside that of LATISS."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.detector import patterns
from lsst.ts.simulated_observatory.detector.exposure import (
    ExposureRequest,
    simulate,
    write_raw,
    write_segments,
)
from lsst.ts.simulated_observatory.detector.header import primary_header
from lsst.ts.simulated_observatory.detector.raw import segment_header
from lsst.ts.simulated_observatory.detector.truth import ILLUMINATION_SPREAD, draw_truth

BIAS = ExposureRequest(
    instrument="LSSTCam",
    detector=94,
    scale=16,
    seed=1,
    exposure_id=2025011500001,
    exposure_time=0.0,
    dark_time=0.24,
    shutter_open=False,
    physical_filter="r_57",
    faults=(),
    path="",
)
FLAT = dataclasses.replace(BIAS, exposure_time=5.0, dark_time=6.24, shutter_open=True)


def header(instrument: str, detector: int, name: str) -> dict[str, Any]:
    return primary_header(
        model=detector_model(instrument, detector),
        image_name=name,
        image_type="BIAS",
        exposure_time=0.0,
        dark_time=0.24,
        begin_tai=1736964000.0,
        end_tai=1736964000.25,
        keywords={"FILTER": "r_57", "FILTBAND": "r"},
    )


@pytest.mark.parametrize(
    ("instrument", "detector", "keywords"),
    [
        (
            "LSSTComCam",
            0,
            {
                "INSTRUME": "ComCam",
                "CAMCODE": "CC",
                "LSST_NUM": "ITL-3800C-229",
                "RAFTBAY": "R22",
                "CCDSLOT": "S00",
                "RAFTNAME": "LCA-11021_RTM-031",
                "SEQCKSUM": "980618532",
                "TELESCOP": "Simonyi Survey Telescope",
                "PLATFORM": "comcam",
            },
        ),
        (
            "LSSTCam",
            48,
            {
                "INSTRUME": "lsstCam",
                "CAMCODE": "MC",
                "CCD_MANU": "E2V",
                "CCD_TYPE": "CCD250",
                "RAFTBAY": "R12",
                "CCDSLOT": "S10",
                "RAFTNAME": "LCA-11021_RTM-009",
                "SEQNAME": "FP_E2V_2s_ir2_v26.seq",
                "SEQCKSUM": "1010041586",
            },
        ),
    ],
)
def test_primary_headers_are_those_of_the_real_cameras(
    instrument: str, detector: int, keywords: dict[str, Any]
) -> None:
    made = header(instrument, detector, "XX_O_20250115_000007")
    assert {key: made[key] for key in keywords} == keywords
    assert not {"GRATING", "LINSPOS", "CCDTEMP", "SIMULATE ATCAMERA"} & set(made)
    assert any(value for key, value in made.items() if key.startswith("SIMULATE"))


@pytest.mark.parametrize(
    ("instrument", "detector", "values"),
    [  # of CC_O_20241108_000266_R22_S00, MC_O_20250415_000228_R10_S20 and MC_C_20231125_000600_R12_S10
        ("LSSTComCam", 0, {"CRVAL1R": 4126.0, "CRVAL2R": 602.0, "CRVAL1F": 29526.0, "CRVAL2F": 26002.0}),
        ("LSSTCam", 33, {"CRVAL1R": 12576.0, "CRVAL2R": 602.0, "CRVAL1F": 25276.0, "CRVAL2F": 602.0}),
        ("LSSTCam", 48, {"CRVAL1R": 8352.5, "CRVAL2R": 600.0, "CRVAL1F": 21052.5, "CRVAL2F": 26000.0}),
        ("LSSTCam", 48, {"DTV1": 523, "DTV2": 0, "CRVAL1A": 2003.0, "CRVAL2A": 523.0, "CRVAL1C": 4005.0}),
    ],
)
def test_coordinates_of_a_segment_are_those_of_real_raws(
    instrument: str, detector: int, values: dict[str, Any]
) -> None:
    model = detector_model(instrument, detector)
    made = segment_header(model.amplifier("C10"), model)
    assert {key: made[key] for key in values} == values


def test_an_e2v_raw_has_its_own_overscans(tmp_path: Path) -> None:
    request = dataclasses.replace(BIAS, path=str(tmp_path / "x.segments"))
    write_segments(request)
    write_raw(tmp_path / "x.fits", header("LSSTCam", 94, "MC_O_20250115_000007"), request.path)
    with fits.open(tmp_path / "x.fits") as hdus:
        assert hdus["Segment10"].shape == (2002 // 16 + 46, 10 + 512 // 16 + 54)
        assert hdus["Segment07"].header["DATASEC"] == "[11:42,1:125]"
        assert hdus["Segment07"].header["DETSEC"] == "[225:256,250:126]"


def test_read_noise_and_light_of_an_e2v_flat() -> None:
    model, truth = detector_model("LSSTCam", 94, 16), draw_truth(detector_model("LSSTCam", 94, 16), 1)
    bias, flat = (next(iter(simulate(each))).astype(float) for each in (BIAS, FLAT))
    amplifier = truth.amplifiers[0]
    overscan = slice(model.amplifiers[0].imaging[1].stop + 3, None)
    assert bias[:, overscan].std() * amplifier.gain == pytest.approx(amplifier.read_noise, rel=0.05)
    level = np.median(flat[model.amplifiers[0].imaging]) - np.median(flat[:, overscan])
    assert level * amplifier.gain == pytest.approx(3300 * 5 * truth.illumination, rel=0.03)


def test_detectors_of_a_camera_get_different_light_and_latiss_all_of_it() -> None:
    shares = [draw_truth(detector_model("LSSTComCam", each, 16), 1).illumination for each in range(9)]
    assert len(set(shares)) == 9
    assert max(abs(share - 1) for share in shares) <= ILLUMINATION_SPREAD
    assert draw_truth(detector_model("LATISS", 0, 16), 1).illumination == 1.0


def test_patterns_of_all_detectors_are_remembered_as_far_as_memory_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    truths = [draw_truth(detector_model("LSSTComCam", each, 16), 3) for each in range(9)]
    made = [patterns.bias_pattern(truth) for truth in truths]
    assert all(patterns.bias_pattern(truth) is kept for truth, kept in zip(truths, made, strict=True))
    monkeypatch.setattr(patterns, "REMEMBERED", 2 * made[0].nbytes)
    patterns.bias_pattern(draw_truth(detector_model("LSSTCam", 0, 16), 3))
    assert patterns.bias_pattern(truths[8]) is made[8]
    assert patterns.bias_pattern(truths[0]) is not made[0]
