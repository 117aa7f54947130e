"""The instruments are the real ones: numbers, names, places."""

from __future__ import annotations

import statistics

import pytest

from lsst.ts.calibrations.domain.instruments import (
    INSTRUMENTS,
    LATISS,
    LSSTCAM,
    LSSTCOMCAM,
    Instrument,
)
from lsst.ts.simulated_observatory.cameras.models import detector_model


def test_components_and_names() -> None:
    assert LSSTCOMCAM.components == ("CCCamera", "CCHeaderService", "CCOODS")
    assert LSSTCAM.components == ("MTCamera", "MTHeaderService", "MTOODS")
    assert [each.ocps_index for each in (LATISS, LSSTCOMCAM, LSSTCAM)] == [1, 2, 3]
    assert LSSTCAM.calibration_collection == "LSSTCam/calib"
    assert LSSTCOMCAM.raw_collection == "LSSTComCam/raw/all"


def test_no_two_instruments_share_a_name_a_camera_or_an_ocps() -> None:
    assert all(each.name == name for name, each in INSTRUMENTS.items())
    for field in ("camera", "oods", "ocps_index", "code", "repository"):
        assert len({getattr(each, field) for each in INSTRUMENTS.values()}) == len(INSTRUMENTS), field


def test_comcam_is_one_raft() -> None:
    assert list(LSSTCOMCAM.detectors) == list(range(9))
    assert list(LSSTCOMCAM.detectors.values())[::4] == ["R22_S00", "R22_S11", "R22_S22"]


@pytest.mark.parametrize(
    ("number", "name"), [(0, "R01_S00"), (26, "R03_S22"), (27, "R10_S00"), (94, "R22_S11"), (188, "R43_S22")]
)
def test_lsstcam_counts_its_science_detectors_raft_by_raft(number: int, name: str) -> None:
    assert len(LSSTCAM.detectors) == 189
    assert LSSTCAM.detectors[number] == name


@pytest.mark.parametrize("instrument", INSTRUMENTS.values(), ids=INSTRUMENTS)
def test_every_detector_has_a_camera_model_of_its_name(instrument: Instrument) -> None:
    models = {number: detector_model(instrument.name, number) for number in instrument.detectors}
    assert {number: model.name for number, model in models.items()} == dict(instrument.detectors)
    assert len({model.data.serial for model in models.values()}) == len(models)
    assert all(
        tuple(each.name for each in model.amplifiers) == instrument.amplifiers for model in models.values()
    )


def test_lsstcam_has_thirteen_rafts_of_e2v() -> None:
    models = [detector_model("LSSTCam", number) for number in LSSTCAM.detectors]
    assert sum(model.vendor == "E2V" for model in models) == 13 * 9
    assert {model.data.bay for model in models if model.vendor == "ITL"} == {
        *("R01", "R02", "R03", "R10", "R20", "R41", "R42", "R43")
    }


@pytest.mark.parametrize(
    ("instrument", "vendor", "gain", "noise"),
    [("LSSTComCam", "ITL", 1.381, 7.9), ("LSSTCam", "ITL", 1.67, 6.4), ("LSSTCam", "E2V", 1.48, 5.4)],
)
def test_gain_and_noise_lie_around_the_medians_of_the_policy_files(
    instrument: str, vendor: str, gain: float, noise: float
) -> None:
    models = [detector_model(instrument, number) for number in INSTRUMENTS[instrument].detectors]
    amplifiers = [each for model in models if model.vendor == vendor for each in model.amplifiers]
    gains = [each.gain for each in amplifiers]
    noises = [each.read_noise for each in amplifiers]
    assert statistics.median(gains) == pytest.approx(gain, rel=0.01)
    assert statistics.median(noises) == pytest.approx(noise, rel=0.02)
    assert max(abs(each / gain - 1) for each in gains) <= 0.0501
    assert len(set(gains)) > 100


def test_a_model_never_changes() -> None:
    assert detector_model("LSSTCam", 94).amplifier("C10").gain == 1.5278
    assert detector_model("LSSTComCam", 0).amplifier("C10").read_noise == 7.7


def test_sections_of_an_e2v_detector_are_those_of_a_real_raw() -> None:
    """MC_C_20231125_000600_R12_S10: the upper half is mirrored, the lower one is not."""
    model = detector_model("LSSTCam", 48)
    assert (model.name, model.vendor, model.data.sensor.device) == ("R12_S10", "E2V", "CCD250")
    assert (model.width, model.height) == (4096, 4004)
    upper, lower = model.amplifier("C10"), model.amplifier("C07")
    assert upper.raw_shape == lower.raw_shape == (2048, 576)
    assert upper.data_section == lower.data_section == "[11:522,1:2002]"
    assert upper.detector_section == "[512:1,1:2002]"
    assert lower.detector_section == "[3585:4096,4004:2003]"


def test_only_latiss_has_a_spectrograph_and_lsstcam_alone_a_dome_to_look_at() -> None:
    assert LATISS.spectrograph == "ATSpectrograph"
    assert LSSTCOMCAM.spectrograph is LSSTCAM.spectrograph is None
    assert not LATISS.states_for_flats
    assert not LSSTCOMCAM.states_for_flats
    assert LSSTCAM.states_for_flats["MTDomeTrajectory"] == ("ENABLED",)
