"""Reference calibrations that are drawn, held against those that the pipelines make of exposures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler
from numpy.typing import NDArray

from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.components.optics import usual_optics
from lsst.ts.simulated_observatory.detector.truth import draw_truth
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, Key, MaskPlane
from lsst.ts.simulated_observatory.repository import reference_drawing
from lsst.ts.simulated_observatory.repository.drawn_detector import measure_pair
from lsst.ts.simulated_observatory.repository.reference import ReferenceRequest
from lsst.ts.simulated_observatory.repository.reference_exposures import reference_exposures
from lsst.ts.simulated_observatory.repository.reference_repository import reference_repository

SCALE = 8
SMALL = 16
SEED = 1
FILTER = "SDSSr_65mm~empty"
IMAGES = ("bias", "dark", "flat")
TYPES = (*IMAGES, "ptc", "defects")
DARK_TIME = 30.24
BIAS_PATTERN = 0.5  # adu


def request(scale: int = SCALE, *, measured: bool = False) -> ReferenceRequest:
    return ReferenceRequest(LATISS, (0,), scale, SEED, usual_optics(LATISS), measured)


def calibrations(repository: Path) -> Iterator[dict[str, Any]]:
    with Butler.from_config(str(repository), collections="LATISS/calib", instrument="LATISS") as butler:
        yield {
            name: butler.get(name, {"detector": 0} | ({"physical_filter": FILTER} if name == "flat" else {}))
            for name in (*TYPES, "crosstalk", "linearizer")
        }


@pytest.fixture(scope="module")
def small() -> Iterator[dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference_drawing, "PROCESSES", 0)  # in this one, where deliberate defects are
        repository = reference_repository(request(SMALL), print, lambda: None)
    yield from calibrations(repository)


@pytest.fixture(scope="module")
def drawn() -> Iterator[dict[str, Any]]:
    yield from calibrations(reference_repository(request(), print, lambda: None))


@pytest.fixture(scope="module")
def measured() -> Iterator[dict[str, Any]]:
    yield from calibrations(reference_repository(request(measured=True), print, lambda: None))


def by_amplifier(image: DetectorImage) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Good pixels of each amplifier, in one order; NaN where they are not."""
    for name in sorted(image.amplifiers):
        yield name, np.where(image.flags(name) == 0, image.pixels(name), np.float32(math.nan))


def spread(values: NDArray[Any]) -> float:
    """Standard deviation, whatever single values are."""
    low, high = np.nanpercentile(values, (25, 75))
    return 0.7413 * float(high - low)


def test_what_is_drawn_says_so_and_has_the_number_of_its_exposures(small: dict[str, Any]) -> None:
    planned = reference_exposures(request(SMALL))
    for name in TYPES:
        assert small[name].metadata["SIMULATE DRAWN"] is True, name
    for name in IMAGES:
        assert small[name].metadata["INPUT EXPOSURES"] == [each.id for each in planned if each.use == name]


def test_drawn_gains_and_noise_are_those_of_the_detector(small: dict[str, Any]) -> None:
    truth, curve = draw_truth(detector_model("LATISS", 0, SMALL), SEED), small["ptc"]
    for each in truth.amplifiers:
        assert curve.gain[each.name] == pytest.approx(each.gain, abs=6.0 * curve.gainErr[each.name])
        assert 0.0 < curve.gainErr[each.name] < 0.02 * each.gain  # of so few pixels
        assert curve.noise[each.name] == pytest.approx(each.read_noise, abs=5.0 * curve.noiseErr[each.name])
        assert 0.0 < curve.noiseErr[each.name] < 0.02 * each.read_noise
        assert curve.imageNoise[each.name] == pytest.approx(1.032 * each.read_noise, rel=0.03)


def noise_of(calibrations: dict[str, Any], name: str, amplifier: str) -> float:
    """Noise of a combined image: as its variance says, and of darks that of the bias that was subtracted."""
    box = calibrations[name].amplifiers[amplifier].box
    variance = float(np.median(calibrations[name].variance[box]))
    if name == "dark":
        variance += float(np.median(calibrations["bias"].variance[box])) / DARK_TIME**2
    return math.sqrt(variance)


def test_drawn_images_have_the_noise_that_they_name(small: dict[str, Any]) -> None:
    for name in ("bias", "dark"):
        for amplifier, pixels in by_amplifier(small[name]):
            inner = pixels[20:, 10:]  # the pattern of a bias is in the corner that is read first
            noise = spread(np.diff(inner, axis=1)) / math.sqrt(2.0)
            pattern = BIAS_PATTERN * small["ptc"].gain[amplifier] if name == "bias" else 0.0
            expected = math.hypot(noise_of(small, name, amplifier), pattern)
            assert expected == pytest.approx(noise, rel=0.1), (name, amplifier)


@pytest.mark.long
@pytest.mark.timeout(3600)
class TestAgainstTheMeasuredOnes:
    def test_metadata_and_layout_are_the_same(self, drawn: dict[str, Any], measured: dict[str, Any]) -> None:
        for name in (*TYPES, "crosstalk", "linearizer"):
            ours, theirs = drawn[name], measured[name]
            assert type(ours) is type(theirs)
            assert set(ours.metadata) - {"SIMULATE DRAWN"} == set(theirs.metadata), name
            for key, value in theirs.metadata.items():
                assert type(ours.metadata[key]) is type(value), (name, key)
                if key.startswith(("INPUT EXPOSURES", "CPP_INPUT_EXPT", "DATE", "OBSTYPE", "FILTER")):
                    assert ours.metadata[key] == value, (name, key)
        for name in IMAGES:
            assert (drawn[name].variance is None) == (measured[name].variance is None)
            assert drawn[name].amplifiers == measured[name].amplifiers
        assert drawn["crosstalk"].coeffs == measured["crosstalk"].coeffs
        ours, theirs = drawn["ptc"].to_dict(), measured["ptc"].to_dict()
        assert ours.keys() == theirs.keys()
        assert ours["inputExpIdPairs"] == theirs["inputExpIdPairs"]

    @pytest.mark.parametrize("name", IMAGES)
    def test_patterns_and_noise(self, drawn: dict[str, Any], measured: dict[str, Any], name: str) -> None:
        """The same pattern, and noise that adds up as that of two independent combinations."""
        for ours, theirs in zip(by_amplifier(drawn[name]), by_amplifier(measured[name]), strict=True):
            amplifier, difference = ours[0], ours[1] - theirs[1]
            box = drawn[name].amplifiers[amplifier].box
            named = [float(np.median(each[name].variance[box])) for each in (drawn, measured)]
            assert named[0] == pytest.approx(named[1], rel=0.05), amplifier
            noise = math.hypot(*(noise_of(each, name, amplifier) for each in (drawn, measured)))
            assert spread(difference) == pytest.approx(noise, rel=0.08), amplifier
            # Overscan medians are common to rows and columns.
            assert abs(float(np.nanmean(difference))) < 5.0 * noise / math.sqrt(min(difference.shape)), (
                amplifier
            )
            structure = spread(theirs[1])
            if structure > 3.0 * noise:
                both = np.isfinite(difference)
                assert np.corrcoef(ours[1][both], theirs[1][both])[0, 1] > 0.9, amplifier

    @pytest.mark.parametrize("name", IMAGES)
    def test_masks(self, drawn: dict[str, Any], measured: dict[str, Any], name: str) -> None:
        """The same hot pixels are flagged, but for those that are at the limit."""
        for plane in MaskPlane:
            ours, theirs = ((each[name].mask & np.uint16(plane)) != 0 for each in (drawn, measured))
            differ = np.count_nonzero(ours != theirs)
            assert differ <= 5 + 0.25 * np.count_nonzero(theirs), plane

    def test_curves(self, drawn: dict[str, Any], measured: dict[str, Any]) -> None:
        """Their pairs are the same exposures: curves differ by the noise of images that they hold alone."""
        ours, theirs = drawn["ptc"], measured["ptc"]
        for value, error in (("gain", "gainErr"), ("a00", "a00Err"), ("noise", "noiseErr")):
            for name in theirs.ampNames:
                errors = [getattr(each, error)[name] for each in (ours, theirs)]
                assert errors[0] == pytest.approx(errors[1], rel=0.1), (error, name)
                difference = getattr(ours, value)[name] - getattr(theirs, value)[name]
                assert abs(difference) < 0.5 * errors[1], (value, name)
        for name in theirs.ampNames:
            assert ours.imageNoise[name] == pytest.approx(theirs.imageNoise[name], rel=0.015)
            assert ours.rawMeans[name] == pytest.approx(theirs.rawMeans[name], rel=1e-5)

    def test_defects(self, drawn: dict[str, Any], measured: dict[str, Any]) -> None:
        ours, theirs = drawn["defects"], measured["defects"]
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert np.count_nonzero(ours.mask != theirs.mask) <= 5 + 0.02 * np.count_nonzero(theirs.mask)

    def test_scale_of_the_noise_in_the_metadata(
        self, drawn: dict[str, Any], measured: dict[str, Any]
    ) -> None:
        for amplifier in drawn["bias"].amplifiers:
            key = Key.COMBINED_NOISE.format(amplifier)
            assert drawn["bias"].metadata[key] == pytest.approx(measured["bias"].metadata[key], rel=0.015)


def test_an_interrupt_ends_the_drawing_and_nothing_half_drawn_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TS_CALIBRATIONS_CACHE", str(tmp_path))
    monkeypatch.setattr(reference_drawing, "PROCESSES", 0)
    seen = []

    def counted(*args: Any) -> Any:
        seen.append(args)
        return measure_pair(*args)

    def check() -> None:
        if len(seen) >= 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(reference_drawing, "measure_pair", counted)
    asked = request(SMALL)
    with pytest.raises(KeyboardInterrupt):
        reference_repository(asked, print, check)
    assert len(seen) < 10
    assert not asked.is_cached
    assert [path.name for path in tmp_path.rglob("*")] == [asked.name]
