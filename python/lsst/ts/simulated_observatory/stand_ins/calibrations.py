"""Calibrations without pixels: as small as they can be, of the types and with the metadata of real ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..cameras.models import DetectorModel
from ..detector.truth import draw_truth
from ..pipelines.calibration_types import CalibrationType
from ..pipelines.images import Amplifier, DetectorImage, Key
from ..pipelines.storage_classes import CURVE, DEFECTS, IMAGE
from ..pipelines.tables import Defects, PhotonTransferCurve

__all__ = ["CombinedCalibration"]

_LEVELS = (1e3, 1e4, 5e4, 1.2e5)
"""Means of the pairs of a curve, adu."""


@dataclass(frozen=True)
class CombinedCalibration:
    """What is known of a combined calibration of one detector.

    Parameters
    ----------
    kind, model, seed
        Its type, camera model of the detector, seed of the simulation.
    exposures, pairs
        Ids of the exposures that it is made of, and of the pairs of flats among them.
    """

    kind: CalibrationType
    model: DetectorModel
    seed: int
    exposures: Sequence[int] = ()
    pairs: Sequence[tuple[int, int]] = ()

    def make(self) -> object:
        """Return a dataset of the storage class of its type."""
        return _MAKERS[self.kind.storage_class](self)


def _image(about: CombinedCalibration) -> DetectorImage:
    """An image of one pixel per amplifier: 1 x 16 pixels, 1 for what each filter has its own of, else 0."""
    amplifiers = {
        each.name: Amplifier(each.name, place, 0, 1, 1) for place, each in enumerate(about.model.amplifiers)
    }
    shape = (1, len(amplifiers))
    metadata = {
        "OBSTYPE": about.kind.dataset_type,
        "INPUT EXPOSURES": list(about.exposures),
        Key.DETECTOR_NAME: about.model.name,
        "SIMULATED": True,
    }
    pixels = np.full(shape, 1.0 if about.kind.each_filter else 0.0, dtype=np.float32)
    return DetectorImage(pixels, np.zeros(shape, dtype=np.uint16), amplifiers, metadata)


def _defects(about: CombinedCalibration) -> Defects:
    """The first column of the detector."""
    model, metadata = about.model, {"INPUT EXPOSURES": list(about.exposures), "SIMULATED": True}
    return Defects(model.name, (model.height, model.width), [(0, 0, 1, model.height)], metadata)


def _curve(about: CombinedCalibration) -> PhotonTransferCurve:
    """Photon transfer curve of the amplifiers as they really are."""
    truth = draw_truth(about.model, about.seed).amplifiers
    levels = [_LEVELS[number % len(_LEVELS)] for number in range(len(about.pairs))]
    return PhotonTransferCurve(
        detector=about.model.name,
        gain={each.name: each.gain for each in truth},
        noise={each.name: each.read_noise for each in truth},
        imageNoise={each.name: each.read_noise for each in truth},
        a00={each.name: each.a00 for each in truth},
        ptcTurnoff={each.name: max(_LEVELS) for each in truth},
        ptcFitType="EXPAPPROXIMATION",
        ptcFitChiSq={each.name: 1.0 for each in truth},
        ptcFitDof={each.name: max(0, len(levels) - 2) for each in truth},
        rawMeans={each.name: levels for each in truth},
        usedPoints={each.name: [True] * len(levels) for each in truth},
        overscanNoise={each.name: [each.read_noise / each.gain] * len(levels) for each in truth},
        inputExpIdPairs={each.name: list(about.pairs) for each in truth},
        metadata={"SIMULATED": True},
    )


_MAKERS: Mapping[str, Callable[[CombinedCalibration], object]] = {
    IMAGE: _image,
    DEFECTS: _defects,
    CURVE: _curve,
}
"""What makes the dataset, by storage class."""
