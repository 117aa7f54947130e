# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from lsst.ts.calibrations.domain.instruments import exposure_id
from lsst.ts.simulated_observatory.detector.truth import Defect, draw_truth
from lsst.ts.simulated_observatory.pipelines.cosmicrays import CosmicRayFinder
from lsst.ts.simulated_observatory.pipelines.criteria import verified_image
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.isr import IsrConfig, IsrConnections, IsrTask
from lsst.ts.simulated_observatory.pipelines.raws import read_raw
from lsst.ts.simulated_observatory.pipelines.tables import Defects, PhotonTransferCurve

from .camera import Camera


@pytest.fixture(scope="module")
def flat_file(camera: Camera) -> Path:
    return camera.take("FLAT", [5.0], first=2)[0]


def config(**options: bool) -> IsrConfig:
    found = IsrConfig()
    found.saturation = 120_000.0
    for name in ("doApplyGains", "doBias", "doDark", "doDefect", "doCrosstalk", "doLinearize"):
        setattr(found, name, options.get(name, False))
    for name, value in options.items():
        setattr(found, name, value)
    return found


def processed(path: Path, settings: IsrConfig, **calibrations: Any) -> DetectorImage:
    image: DetectorImage = IsrTask(config=settings).run(read_raw(str(path)), **calibrations).outputExposure
    return image


def true_curve(camera: Camera) -> PhotonTransferCurve:
    truth = draw_truth(camera.model, camera.seed)
    return PhotonTransferCurve(
        detector="RXX_S00",
        gain={each.name: each.gain for each in truth.amplifiers},
        noise={each.name: each.read_noise for each in truth.amplifiers},
        imageNoise={each.name: 1.032 * each.read_noise for each in truth.amplifiers},
    )


def test_bias_has_no_level_and_the_read_noise_of_its_amplifiers(bias_file: Path, camera: Camera) -> None:
    curve = true_curve(camera)
    image = processed(bias_file, config(doApplyGains=True), ptc=curve)
    assert image.metadata["LSST ISR UNITS"] == "electron"
    assert image.metadata["EXPOSURE"] == exposure_id(fits.getheader(bias_file)["OBSID"])
    for name in image.amplifiers:
        assert abs(np.median(image.pixels(name))) < 0.5 * curve.noise[name]
        assert image.pixels(name).std() == pytest.approx(curve.imageNoise[name], rel=0.1)
        overscan = image.metadata[f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}"]
        assert overscan * curve.gain[name] == pytest.approx(curve.noise[name], rel=0.06)
        assert image.metadata[f"LSST ISR GAIN {name}"] == curve.gain[name]
        assert image.metadata[f"LSST ISR READNOISE {name}"] == curve.noise[name]
        assert image.metadata[f"LSST ISR IMAGENOISE {name}"] == curve.imageNoise[name]


def test_gains_level_the_amplifiers_of_a_flat(flat_file: Path, camera: Camera) -> None:
    adu = processed(flat_file, config())
    electrons = processed(flat_file, config(doApplyGains=True), ptc=true_curve(camera))
    scatter = [
        np.std([image.pixels(name).mean() for name in image.amplifiers]) / image.image.mean()
        for image in (adu, electrons)
    ]
    assert adu.metadata["LSST ISR UNITS"] == "adu"
    assert scatter[0] > 0.01 > 1.5 * scatter[1]


def test_calibrations_are_applied_in_order(flat_file: Path) -> None:
    plain = processed(flat_file, config())
    ones = np.ones_like(plain.image)
    clear = np.zeros_like(plain.mask)

    def uniform(value: float) -> DetectorImage:
        return DetectorImage(
            ones * np.float32(value), clear.copy(), plain.amplifiers, {"LSST ISR UNITS": "adu"}
        )

    flat = uniform(2.0)
    flat.image[3, 4] = 0.0
    defects = Defects("RXX_S00", plain.image.shape, [(10, 20, 2, 3)])
    image = processed(
        flat_file,
        config(doBias=True, doDark=True, doFlat=True, doDefect=True, doInterpolate=True),
        bias=uniform(100.0),
        dark=uniform(7.0),
        flat=flat,
        defects=defects,
    )
    expected = (plain.image - 100.0 - 7.0 * 5.24) / 2.0
    clean = image.mask == 0
    np.testing.assert_allclose(image.image[clean], expected[clean], rtol=1e-5)
    assert image.mask[3, 4] == MaskPlane.NO_DATA | MaskPlane.INTRP
    assert np.all(image.mask[20:23, 10:12] == MaskPlane.BAD | MaskPlane.INTRP)
    assert image.image[3, 4] == pytest.approx(expected[3, 3:6:2].mean())


def test_saturated_pixels_are_flagged_where_they_lie(flat_file: Path) -> None:
    raw = read_raw(str(flat_file))
    amplifier = raw.amplifiers["C12"]
    rows, columns = amplifier.imaging
    amplifier.array[rows.start, columns.start + 2] += 150_000
    image = IsrTask(config=config()).run(raw).outputExposure
    place = image.amplifiers["C12"]
    top, right = place.y0 + place.height - 1, place.x0 + place.width - 1
    assert np.argwhere(image.mask & np.uint16(MaskPlane.SAT)).tolist() == [[top, right - 2]]


def test_flat_that_fills_every_pixel_is_saturated_in_all(camera: Camera) -> None:
    image = processed(camera.take("FLAT", [60.0], first=5)[0], config())
    truth = draw_truth(camera.model, camera.seed)
    dark = {pixel for each in truth.defects if each.response < 0.7 for pixel in pixels_of(each)}
    unsaturated = {(int(x), int(y)) for y, x in np.argwhere((image.mask & np.uint16(MaskPlane.SAT)) == 0)}
    assert unsaturated <= dark
    for each in truth.amplifiers:
        assert np.median(image.pixels(each.name)) == pytest.approx(each.full_well / each.gain, rel=0.005)


def pixels_of(defect: Defect) -> set[tuple[int, int]]:
    columns, rows = range(defect.width), range(defect.height)
    return {(defect.x + i, defect.y + j) for i in columns for j in rows}


def test_saturation_is_that_of_the_amplifier(flat_file: Path, camera: Camera) -> None:
    """The flat has 15 kadu, above the level that the curve of one amplifier shows."""
    options = config()
    options.saturation = None
    levels = {each.name: each.sensor.saturation for each in camera.model.amplifiers}
    assert not processed(flat_file, options, saturation=levels).mask.any()
    curve = true_curve(camera)
    curve.ptcTurnoff, curve.rawMeans = {"C05": 10_000.0}, {"C05": [10_000.0, 13_000.0]}
    assert not processed(flat_file, options, saturation=levels, ptc=curve).mask.any()
    curve.rawVars, curve.a00 = {"C05": [9_500.0, 3_000.0]}, {"C05": 0.0}
    image = processed(flat_file, options, saturation=levels, ptc=curve)
    share = {name: float(np.mean(image.flags(name) == MaskPlane.SAT)) for name in image.amplifiers}
    assert share.pop("C05") > 0.99
    assert set(share.values()) == {0.0}
    with pytest.raises(RuntimeError, match="no level of saturation"):
        processed(flat_file, options)


@pytest.mark.parametrize(
    ("instrument", "level"), [("LATISS", 120e3), ("LSSTComCam", 92e3), ("LSSTCam", 75.7e3)]
)
def test_level_of_saturation_is_that_of_the_camera(instrument: str, level: float) -> None:
    record = SimpleNamespace(full_name="R22_S11")
    ref = SimpleNamespace(dataId=DataId({"instrument": instrument, "detector": 0}))
    ref.dataId.records = {"detector": record}
    inputs = IsrTask(config=config())._prepared({"raw": None}, SimpleNamespace(raw=ref))  # type: ignore[arg-type]
    assert inputs["detector"] == "R22_S11"
    assert set(inputs["saturation"].values()) == {level}


class DataId(dict[str, Any]):
    """What a task looks up in the data ID of a dataset."""

    records: dict[str, SimpleNamespace]


def test_amplifier_without_a_gain_ends_as_no_data_whatever_is_done(bias_file: Path, camera: Camera) -> None:
    """As cp_pipe writes a dead amplifier. Its pixels are not made up from those of its neighbours."""
    curve = true_curve(camera)
    curve.gain["C03"] = math.nan
    image = processed(bias_file, config(doApplyGains=True, doCosmicRays=True, doInterpolate=True), ptc=curve)
    assert np.all(image.flags("C03") & np.uint16(MaskPlane.NO_DATA))
    others = [name for name in image.amplifiers if name != "C03"]
    assert not any(np.any(image.flags(name) & np.uint16(MaskPlane.NO_DATA)) for name in others)
    result = verified_image(image, "BIAS", CosmicRayFinder())
    assert math.isnan(result["AMP"]["C03"]["MEAN"])
    assert not result["VERIFY"]["AMP"]["C03"]["SUCCESS"]
    assert all(math.isfinite(result["AMP"][name]["NOISE"]) for name in others)


def test_dark_is_not_subtracted_without_a_time(bias_file: Path) -> None:
    raw = read_raw(str(bias_file))
    plain = IsrTask(config=config()).run(raw).outputExposure
    raw.header["DARKTIME"] = raw.header["EXPTIME"] = None
    image = IsrTask(config=config(doDark=True)).run(raw, dark=plain).outputExposure
    assert np.all(image.mask == MaskPlane.NO_DATA)


def test_cosmic_rays_are_flagged(bias_file: Path) -> None:
    raw = read_raw(str(bias_file))
    amplifier = raw.amplifiers["C03"]
    rows, columns = amplifier.imaging
    amplifier.array[rows.start + 50, columns.start + 9] += 3_000
    image = IsrTask(config=config(doCosmicRays=True)).run(raw).outputExposure
    place = image.amplifiers["C03"]
    assert image.flags("C03")[50, place.width - 10] == MaskPlane.CR
    assert image.metadata["COSMIC RAY PIXELS"] < 30


def test_calibration_of_another_size_or_unit_is_refused(bias_file: Path) -> None:
    plain = processed(bias_file, config())
    small = DetectorImage(plain.image[:-1], plain.mask[:-1], plain.amplifiers, {})
    with pytest.raises(RuntimeError, match="same detector and scale"):
        processed(bias_file, config(doBias=True), bias=small)
    electrons = DetectorImage(plain.image, plain.mask, plain.amplifiers, {"LSST ISR UNITS": "electron"})
    with pytest.raises(RuntimeError, match="same isr:doApplyGains"):
        processed(bias_file, config(doBias=True), bias=electrons)
    with pytest.raises(RuntimeError, match="defects are those of an image"):
        processed(bias_file, config(doDefect=True), defects=Defects("RXX_S00", (3, 3), []))


def test_only_calibrations_that_are_applied_are_looked_up() -> None:
    connections = IsrConnections(config=config(doBias=True, doLinearize=True))
    assert set(connections.prerequisiteInputs) == {"bias", "linearizer"}
