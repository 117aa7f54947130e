# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits

from lsst.ts.calibrations.domain.instruments import exposure_id
from lsst.ts.simulated_observatory.detector.truth import draw_truth
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
