"""What the pipelines would measure on the images of a simulated camera, drawn without any pixels.

The amplifiers are those of the detector simulation (`draw_truth`), with its faults. The numbers that the
tests of verification look at are drawn around what those amplifiers give; the tests themselves are those of
the pipelines.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from lsst.ts.calibrations.domain.instruments import ImageType

from ..cameras.models import DetectorModel
from ..detector.faults import DetectorFault, active_faults
from ..detector.illumination import LAMP_RATE, throughput
from ..detector.truth import AmplifierTruth, DetectorTruth, draw_truth, random_stream
from ..pipelines.criteria import verify_dark_image, verify_defects, verify_flat
from ..pipelines.metadata import IMAGE_NOISE

__all__ = ["Disturbance", "Measured", "StandInCamera"]

PRECISION = 0.003
"""Relative precision with which the noise of an amplifier is measured in one image."""

PROCESSING = 1.01
"""Noise of an image that went through the overscan subtraction, in units of the read noise."""

REFERENCE = 50
"""Images in the combinations of the reference collections."""

BRIGHTER_FATTER = 0.97
"""Noise of a flat in units of that of its photons."""


@dataclass(frozen=True)
class Disturbance:
    """Noise of amplifiers in images of a type, and only there.

    Parameters
    ----------
    exposures
        How many: the first ones of those that are verified; None: all.
    amplifiers
        How many of each detector; None: all.
    factor
        By which the noise is larger than when the reference calibrations were made.
    """

    exposures: int | None = None
    amplifiers: int | None = None
    factor: float = 2.0


@dataclass(frozen=True)
class Measured:
    """An image as the pipelines see it.

    Parameters
    ----------
    exposure
        Id.
    kind
        Type of the image.
    time
        Exposure time, s.
    physical_filter
        Name in the Butler of the filter in use.
    place
        Its place among the exposures of the job, from 0.
    combined
        How many images the combination was made of that it is compared with, if it is one of those; 0 for a
        combination of other images.
    """

    exposure: int
    kind: ImageType
    time: float
    physical_filter: str
    place: int = 0
    combined: int = 0


@dataclass(frozen=True)
class StandInCamera:
    """The detectors of a simulated camera, as far as statistics show them.

    Parameters
    ----------
    seed
        Of the simulation.
    faults
        Of the detectors.
    disturbances
        Noise that comes and goes, by image type.
    """

    seed: int
    faults: tuple[DetectorFault, ...] = ()
    disturbances: Mapping[ImageType, tuple[Disturbance, ...]] = field(default_factory=dict)

    def statistics(self, image: Measured, model: DetectorModel, *, defects: bool = False) -> dict[str, Any]:
        """``verify<X>DetStats`` of an image.

        Parameters
        ----------
        image
            Which.
        model
            Of the detector.
        defects
            Whether the image serves the verification of defects.

        Returns
        -------
        statistics
            Measurements and tests of the detector, as the pipelines store them.
        """
        detector = _Detector(draw_truth(model, self.seed), active_faults(self.faults, model))
        rng = random_stream(self.seed, "statistics", model.instrument, model.id, image.exposure)
        factors = self._disturbed(image, model)
        metadata: dict[str, Any] = {}
        of_detector: dict[str, float] = {}
        detector_tests: dict[str, bool] = {}
        if defects:
            amplifiers = detector.flagged(image, rng)
            tests = verify_defects(amplifiers)
        elif image.kind is ImageType.FLAT:
            amplifiers = detector.flat(image, factors, rng)
            means = np.array([values["MEAN"] for values in amplifiers.values()])
            of_detector = {"MEAN": float(np.mean(means)), "SCATTER": float(np.std(means))}
            tests, detector_tests = verify_flat(amplifiers, of_detector)
        else:
            amplifiers = detector.dark(image, factors, rng)
            header = detector.header()
            tests = verify_dark_image(amplifiers, header)
            metadata["READ_NOISE_ADU"] = detector.overscan()
        success = all(each["SUCCESS"] for each in tests.values()) and detector_tests.get("SUCCESS", True)
        return {
            "AMP": amplifiers,
            "METADATA": metadata,
            "CATALOG": {},
            "DET": of_detector,
            "VERIFY": {"AMP": tests, "DET": detector_tests},
            "SUCCESS": success,
        }

    def light(self, image: Measured, model: DetectorModel) -> dict[str, tuple[float, float]]:
        """Signal and gain of each amplifier in a flat.

        Parameters
        ----------
        image
            Which.
        model
            Of the detector.

        Returns
        -------
        light
            Signal (adu) and gain (electron/adu) by amplifier.
        """
        detector = _Detector(draw_truth(model, self.seed), active_faults(self.faults, model))
        return {
            each.name: (detector.charge(image, each) / each.gain, each.gain)
            for each in detector.truth.amplifiers
        }

    def _disturbed(self, image: Measured, model: DetectorModel) -> dict[str, float]:
        """Factors of the noise of the amplifiers that are disturbed in an image."""
        factors: dict[str, float] = {}
        for each in self.disturbances.get(image.kind, ()):
            if each.exposures is None or image.place < each.exposures:
                for amplifier in model.amplifiers[: each.amplifiers]:
                    factors[amplifier.name] = factors.get(amplifier.name, 1.0) * each.factor
        return factors


@dataclass(frozen=True)
class _Detector:
    """One detector and its faults."""

    truth: DetectorTruth
    faults: tuple[DetectorFault, ...]

    def dark(
        self, image: Measured, factors: Mapping[str, float], rng: np.random.Generator
    ) -> dict[str, dict[str, float]]:
        """Statistics of a bias or dark: see `pipelines.criteria.measure_dark_image`."""
        leak = sum(float(each.values["rate"]) for each in self.faults if each.name == "light-leak")
        statistics = {}
        for amplifier in self.truth.amplifiers:
            excess = image.time * (leak + self._hot(amplifier)) * (amplifier.name not in self._dead)
            noise = math.sqrt((PROCESSING * amplifier.read_noise) ** 2 + excess)
            noise *= self._noisier(amplifier) * factors.get(amplifier.name, 1.0)
            noise *= _against_combination(image.combined) * (1.0 + PRECISION * float(rng.standard_normal()))
            statistics[amplifier.name] = {
                "MEAN": excess + 0.01 * float(rng.standard_normal()),
                "NOISE": noise,
                "CR_NOISE": noise * (1.0 + 0.1 * PRECISION * float(rng.standard_normal())),
            }
            if image.kind is ImageType.BIAS:
                statistics[amplifier.name]["AMP_CORNER"] = 0.1 * float(rng.standard_normal())
        return statistics

    def flat(
        self, image: Measured, factors: Mapping[str, float], rng: np.random.Generator
    ) -> dict[str, dict[str, float]]:
        """Statistics of a flat: see `pipelines.criteria.measure_flat`."""
        statistics = {}
        for amplifier in self.truth.amplifiers:
            mean = self.charge(image, amplifier) * (1.0 + 0.001 * float(rng.standard_normal()))
            noise = math.hypot(BRIGHTER_FATTER * math.sqrt(max(mean, 0.0)), amplifier.read_noise)
            noise *= self._noisier(amplifier) * factors.get(amplifier.name, 1.0)
            noise *= _against_combination(image.combined) * (1.0 + PRECISION * float(rng.standard_normal()))
            statistics[amplifier.name] = {"MEAN": mean, "NOISE": noise}
        return statistics

    def flagged(self, image: Measured, rng: np.random.Generator) -> dict[str, dict[str, float]]:
        """Statistics of a flat whose defects are known: see `pipelines.criteria.measure_defects`."""
        statistics = {}
        for amplifier in self.truth.amplifiers:
            mean = self.charge(image, amplifier)
            noise, bad = math.sqrt(max(mean, 1.0)), int(rng.integers(1, 50))
            masked = {"OUTLIERS": 3, "MEDIAN": mean, "STDEV": noise}
            masked |= {"MIN": mean - 5.0 * noise, "MAX": mean + 5.0 * noise}
            unmasked = {"OUTLIERS": 3 + bad, "MEDIAN": mean, "STDEV": 1.01 * noise, "MIN": 0.0}
            unmasked["MAX"] = mean + 9.0 * noise
            statistics[amplifier.name] = (
                masked
                | {f"UNMASKED_{key}": value for key, value in unmasked.items()}
                | {"DEFECT_PIXELS": bad, "FRAC": bad / 1e6, "STAT_OUTLIERS": bad + 1}
            )
        return statistics

    def charge(self, image: Measured, amplifier: AmplifierTruth) -> float:
        """Mean charge in a flat, electron."""
        if amplifier.name in self._dead or any(each.name == "shutter-stuck" for each in self.faults):
            return 0.01
        return LAMP_RATE * self.truth.illumination * throughput(image.physical_filter) * image.time

    def overscan(self) -> dict[str, float]:
        """Noise of the overscan of each amplifier, adu."""
        return {
            each.name: self._noisier(each) * each.read_noise / each.gain for each in self.truth.amplifiers
        }

    def header(self) -> dict[str, float]:
        """What the tests read from the metadata of a processed image."""
        return _nominal(self.truth) | {
            f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}": noise
            for name, noise in self.overscan().items()
        }

    @property
    def _dead(self) -> set[object]:
        return {each.values["amplifier"] for each in self.faults if each.name == "amplifier-dead"}

    def _noisier(self, amplifier: AmplifierTruth) -> float:
        """Factor of the read noise by a fault."""
        return math.prod(
            float(each.values["factor"])
            for each in self.faults
            if each.name == "amplifier-noise" and each.values["amplifier"] == amplifier.name
        )

    def _hot(self, amplifier: AmplifierTruth) -> float:
        """Mean dark current of an amplifier from hot columns, electron/s."""
        place = self.truth.model.amplifier(amplifier.name)
        columns = [each.values for each in self.faults if each.name == "hot-column"]
        return sum(
            float(each["rate"]) / place.width
            for each in columns
            if place.x0 <= int(each["column"]) < place.x0 + place.width
        )


@lru_cache(maxsize=256)
def _nominal(truth: DetectorTruth) -> dict[str, float]:
    """What the reference calibrations say of each amplifier."""
    nominal = {}
    for amplifier in truth.amplifiers:
        nominal[IMAGE_NOISE.format(amplifier.name)] = PROCESSING * amplifier.read_noise
        nominal[f"LSST ISR GAIN {amplifier.name}"] = amplifier.gain
        nominal[f"LSST ISR READNOISE {amplifier.name}"] = amplifier.read_noise
    return nominal


def _against_combination(combined: int) -> float:
    """Noise of the difference between an image and a combination.

    The noise of a combination of other images adds; a combination of n images that the image belongs to has
    1/n of its noise in common with it.
    """
    return math.sqrt(1.0 - 1.0 / combined) if combined else math.sqrt(1.0 + 1.0 / REFERENCE)
