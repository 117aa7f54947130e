"""What the pipelines would measure on the images of a simulated camera, drawn without any pixels.

The amplifiers are those of the detector simulation (`draw_truth`), with its faults. The numbers that the
tests of verification look at are drawn around what those amplifiers give; the tests themselves are those of
the pipelines. Other than there, a flat has a noise also where its combination is of one or two flats: runs
of so few images are quick, and are to come to their end.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from lsst.ts.calibrations.domain.instruments import ImageType, brighter_fatter_correction

from ..cameras.models import DetectorModel
from ..detector.faults import DetectorFault, active_faults
from ..detector.illumination import LAMP_RATE, throughput
from ..detector.truth import AmplifierTruth, DetectorTruth, draw_truth, random_stream
from ..pipelines.criteria import dark_references, verify_dark_image, verify_flat
from ..pipelines.defectcriteria import COUNTS, defect_limits, verify_defects
from ..pipelines.images import Key
from ..pipelines.tables import PhotonTransferCurve

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
    exposures, amplifiers
        How many: the first ones of those that are verified, and of each detector; None: all.
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
    exposure, kind, time, physical_filter
        Id, type, exposure time [s], and name in the Butler of the filter in use.
    place
        Its place among the exposures of the job, from 0.
    combined
        How many images the combination was made of that it is compared with, if it is one of those; else 0.
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
    seed, faults
        Of the simulation, and of its detectors.
    disturbances
        Noise that comes and goes, by image type.
    """

    seed: int
    faults: tuple[DetectorFault, ...] = ()
    disturbances: Mapping[ImageType, tuple[Disturbance, ...]] = field(default_factory=dict)

    def statistics(
        self,
        image: Measured,
        model: DetectorModel,
        *,
        defects: bool = False,
        without_gain: Collection[str] = (),
    ) -> dict[str, Any]:
        """``verify<X>DetStats`` of an image.

        Parameters
        ----------
        image, model
            Which image, and camera model of the detector.
        defects
            Whether the image serves the verification of defects.
        without_gain
            Amplifiers of which the curve in use has no gain, so that nothing can be measured of them.

        Returns
        -------
        statistics
            Measurements and tests of the detector, as the pipelines store them.
        """
        channels = self._channels(image, model)
        rng = random_stream(self.seed, "statistics", model.instrument, model.id, image.exposure)
        metadata: dict[str, Any] = {}
        of_detector: dict[str, float] = {}

        def blank(values: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
            return values | {name: dict.fromkeys(values[name], math.nan) for name in without_gain}

        detector_tests: dict[str, bool] = {}
        if defects:
            amplifiers = blank({each.truth.name: each.flagged(image, rng) for each in channels})
            masked = float(np.nanmean([values["MASKED"] for values in amplifiers.values()]))
            of_detector = {"MASKED": masked, "MASKED_AMPLIFIERS": 0, "ALLOWED_LEFT": 0}
            of_detector |= dict.fromkeys(COUNTS, 0)
            tests, detector_tests = verify_defects(amplifiers, of_detector)
            metadata = {"MASKED_AMPLIFIERS": [], "LIMITS": defect_limits(amplifiers, of_detector)}
        elif image.kind is ImageType.FLAT:
            amplifiers = blank({each.truth.name: each.flat(image, rng) for each in channels})
            means = np.array([values["MEAN"] for values in amplifiers.values()])
            of_detector = {"MEAN": float(np.nanmean(means)), "SCATTER": float(np.nanstd(means, ddof=1))}
            tests, detector_tests = verify_flat(amplifiers, of_detector)
        else:
            amplifiers = blank({each.truth.name: each.dark(image, rng) for each in channels})
            overscan = {each.truth.name: each.overscan_noise for each in channels}
            header = {f"LSST ISR OVERSCAN RESIDUAL SERIAL STDEV {name}": overscan[name] for name in overscan}
            header |= _nominal(draw_truth(model, self.seed))
            tests = verify_dark_image(amplifiers, header)
            metadata = {"READ_NOISE_ADU": overscan, "REFERENCES": dark_references(amplifiers, header)}
        return {
            "AMP": amplifiers,
            "METADATA": metadata,
            "CATALOG": {},
            "DET": of_detector,
            "VERIFY": {"AMP": tests, "DET": detector_tests},
            "SUCCESS": all(each["SUCCESS"] for each in tests.values())
            and detector_tests.get("SUCCESS", True),
        }

    def pair(self, image: Measured, exposures: tuple[int, int], model: DetectorModel) -> PhotonTransferCurve:
        """What is measured on a pair of flats: gains without the correction for the brighter-fatter effect.

        Parameters
        ----------
        image, exposures
            One of the flats, and the ids of both.
        model
            Camera model of the detector.

        Returns
        -------
        curve
            With one point; gains in electron/adu, noise in electron. Without light there is no gain.
        """
        result = PhotonTransferCurve(detector=model.name, gain={}, metadata={"SIMULATED": True})
        for each in self._channels(image, model):
            name, gain = each.truth.name, each.truth.gain
            mean = each.charge(image) / gain
            measured = gain / BRIGHTER_FATTER**2 if mean > 1.0 else math.nan
            overscan = model.amplifier(name).read_noise / gain
            result.gain[name], result.overscanNoise[name] = measured, [overscan]
            result.noise[name] = overscan * measured * brighter_fatter_correction(model.vendor, mean)
            result.rawMeans[name], result.inputExpIdPairs[name] = [mean], [exposures]
        return result

    def _channels(self, image: Measured, model: DetectorModel) -> list[_Channel]:
        """The amplifiers of a detector, with its faults and what disturbs an image."""
        truth = draw_truth(model, self.seed)
        faults: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for each in active_faults(self.faults, model):
            faults[each.name].append(each.values)
        dead = {each["amplifier"] for each in faults["amplifier-dead"]}
        leak = sum(float(each["rate"]) for each in faults["light-leak"])
        disturbances = [
            each
            for each in self.disturbances.get(image.kind, ())
            if each.exposures is None or image.place < each.exposures
        ]
        channels = []
        for amplifier in truth.amplifiers:
            place, name = model.amplifier(amplifier.name), amplifier.name
            noisier = [
                float(each["factor"]) for each in faults["amplifier-noise"] if each["amplifier"] == name
            ]
            hot = sum(
                float(each["rate"]) / place.width
                for each in faults["hot-column"]
                if place.x0 <= int(each["column"]) < place.x0 + place.width
            )
            disturbed = [each.factor for each in disturbances if place in model.amplifiers[: each.amplifiers]]
            is_dark = name in dead or bool(faults["shutter-stuck"])
            channels.append(
                _Channel(
                    truth=amplifier,
                    noisier=math.prod(noisier),
                    disturbed=math.prod(disturbed),
                    rate=0.0 if name in dead else leak + hot,
                    illumination=None if is_dark else truth.illumination,
                )
            )
        return channels


@dataclass(frozen=True)
class _Channel:
    """An amplifier as its detector's faults leave it."""

    truth: AmplifierTruth
    noisier: float
    """Factor of its noise."""
    disturbed: float
    """Further factor of its noise in the image, not in its overscan."""
    rate: float
    """What hot columns and a light leak add, electron/s; mean of its pixels."""
    illumination: float | None
    """As of the detector; None if no light of a flat reaches the output."""

    @property
    def overscan_noise(self) -> float:
        """Noise of its overscan, adu."""
        return self.noisier * self.truth.read_noise / self.truth.gain

    def dark(self, image: Measured, rng: np.random.Generator) -> dict[str, float]:
        """Statistics of a bias or dark: see `pipelines.defectcriteria`."""
        excess = image.time * self.rate
        noise = math.sqrt((PROCESSING * self.truth.read_noise) ** 2 + excess)
        noise = self._measured(noise, image, rng)
        statistics = {
            "MEAN": excess + 0.01 * float(rng.standard_normal()),
            "NOISE": noise,
            "CR_NOISE": noise * (1.0 + 0.1 * PRECISION * float(rng.standard_normal())),
        }
        if image.kind is ImageType.BIAS:
            statistics["AMP_CORNER"] = 0.1 * float(rng.standard_normal())
        return statistics

    def flat(self, image: Measured, rng: np.random.Generator) -> dict[str, float]:
        """Statistics of a flat: see `pipelines.defectcriteria`."""
        mean = self.charge(image) * (1.0 + 0.001 * float(rng.standard_normal()))
        noise = math.hypot(BRIGHTER_FATTER * math.sqrt(max(mean, 0.0)), self.truth.read_noise)
        return {"MEAN": mean, "NOISE": self._measured(noise, image, rng)}

    def _measured(self, noise: float, image: Measured, rng: np.random.Generator) -> float:
        """Noise as it is measured in the difference between an image and a combination.

        The noise of a combination of other images adds; a combination of n images that the image belongs to
        has 1/n of its noise in common with it.
        """
        noise *= self.noisier * self.disturbed
        other = -1.0 / image.combined if image.combined else 1.0 / REFERENCE
        return noise * (math.sqrt(1.0 + other) * (1.0 + PRECISION * float(rng.standard_normal())))

    def flagged(self, image: Measured, rng: np.random.Generator) -> dict[str, float]:
        """Statistics of a flat whose defects are known: see `pipelines.defectcriteria`."""
        mean = self.charge(image)
        noise, bad = math.sqrt(max(mean, 1.0)), int(rng.integers(1, 50))
        masked = {"OUTLIERS": 3, "MEDIAN": mean, "STDEV": noise}
        masked |= {"MIN": mean - 5.0 * noise, "MAX": mean + 5.0 * noise}
        unmasked = {"OUTLIERS": 3 + bad, "MEDIAN": mean, "STDEV": 1.01 * noise, "MIN": 0.0}
        unmasked["MAX"] = mean + 9.0 * noise
        return (
            masked
            | {f"UNMASKED_{key}": value for key, value in unmasked.items()}
            | {"DEFECT_PIXELS": bad, "FRAC": bad / 1e6, "STAT_OUTLIERS": bad + 1, "MASKED": bad / 1e6}
            | dict.fromkeys(COUNTS, 0)
        )

    def charge(self, image: Measured) -> float:
        """Mean charge in a flat, electron."""
        if self.illumination is None:
            return 0.01
        return LAMP_RATE * self.illumination * throughput(image.physical_filter) * image.time


@lru_cache(maxsize=256)
def _nominal(truth: DetectorTruth) -> dict[str, float]:
    """What the reference calibrations say of each amplifier, as the metadata of a processed image have it."""
    nominal = {}
    for amplifier in truth.amplifiers:
        nominal[Key.IMAGE_NOISE.format(amplifier.name)] = PROCESSING * amplifier.read_noise
        nominal[f"LSST ISR GAIN {amplifier.name}"] = amplifier.gain
        nominal[f"LSST ISR READNOISE {amplifier.name}"] = amplifier.read_noise
    return nominal
