"""Reference calibrations of one detector that are drawn: what combinations of many exposures would be.

A combined image is the mean of its members, and so is the mean of their raw images after the removal of the
instrument's signature, which is linear in what differs between them. So one raw image with the noise of a
mean stands for all of them. A few members are simulated as they are: they show the noise of a single image
and what is flagged in it. The photon transfer curve is that of pairs of flats, which are simulated as they
are, too, but not written to files. Tasks and layouts are those of the pipelines.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import yaml
from lsst.utils import doImportType
from numpy.typing import NDArray

from ..cameras.models import Amplifier, DetectorModel, detector_model
from ..detector.exposure import mean_exposure, simulate
from ..detector.header import HeaderValue
from ..detector.truth import random_stream
from ..pipelines.combine import describe_combination
from ..pipelines.defectmembers import flat_levels, measure_levels
from ..pipelines.images import DetectorImage, Key, dark_time
from ..pipelines.new_repository import camera_tables
from ..pipelines.raws import RawAmplifier, RawImage
from ..pipelines.stacks import combined_mask
from ..pipelines.statistics import clipped_statistics
from ..pipelines.tables import Defects, PhotonTransferCurve
from .reference import ReferenceRequest
from .reference_exposures import ReferenceExposure, reference_exposures

__all__ = ["DrawnCalibrations", "draw_calibrations", "measure_pair", "pipeline_task", "raw_image"]

DRAWN = {"SIMULATE DRAWN": True}
"""Keyword of what was drawn; it is passed on as all keywords of the simulation are."""

LEAST = 3
"""Members of a combination that are simulated at least: most of them have a say on flags."""

ENOUGH = 100_000
"""Pixels of an amplifier, of all these members together, that give its noise to 0.3 %."""

LEAST_VARIANCE = 0.02
"""Least variance of a pixel, relative to that of its amplifier: a dead one has no photons."""


@dataclass(frozen=True, eq=False)
class DrawnCalibrations:
    """All reference calibrations of one detector.

    Parameters
    ----------
    calibrations
        By dataset type. The flat is not yet divided by the level of the exposure, electron.
    level
        Of the flat, as ``cpFlatLevel`` has it.
    exposures
        Of which the flat is the mean, by their metadata.
    """

    calibrations: dict[str, DetectorImage | PhotonTransferCurve | Defects]
    level: dict[str, Any]
    exposures: list[dict[str, Any]]

    def normalised_flat(self, scale: float) -> DetectorImage:
        """Divide the flat by the level of its exposures.

        Parameters
        ----------
        scale
            The level, electron.

        Returns
        -------
        flat
            The combined flat.
        """
        flat = self.calibrations["flat"]
        assert isinstance(flat, DetectorImage)
        assert flat.variance is not None
        image = DetectorImage(
            flat.image / np.float32(scale),
            flat.mask,
            flat.amplifiers,
            {Key.UNITS: "1"},
            flat.variance / np.float32(scale**2),
        )
        describe_combination(image, self.exposures, [scale] * len(self.exposures), "flat")
        return image


@cache
def pipeline_task(pipeline: str, label: str, **options: bool) -> Any:
    """Make a task as a pipeline has it.

    Parameters
    ----------
    pipeline, label
        Name of the pipeline's file, and of the task in it.
    **options
        Options of the task that differ.

    Returns
    -------
    task
        To be run.
    """
    text = (files("lsst.ts.simulated_observatory.pipelines") / pipeline).read_text(encoding="utf-8")
    about = yaml.safe_load(text)["tasks"][label]
    task_class: Any = doImportType(about["class"])
    config = task_class.ConfigClass()
    for name, value in {**about.get("config", {}), **options}.items():
        if not name.startswith("connections."):
            setattr(config, name, value)
    return task_class(config=config)


def raw_image(
    model: DetectorModel, images: Iterable[NDArray[Any]], header: dict[str, HeaderValue]
) -> RawImage:
    """Put together a raw image without a file.

    Parameters
    ----------
    model, images, header
        Detector; image of each of its amplifiers, with prescan and overscans; primary header.

    Returns
    -------
    raw
        As it is read from a file.
    """
    places = [
        Amplifier(**{each.name: getattr(amplifier, each.name) for each in fields(Amplifier)})
        for amplifier in model.amplifiers
    ]
    amplifiers = {
        place.name: RawAmplifier(image, amplifier.imaging, place)
        for place, amplifier, image in zip(places, model.amplifiers, images, strict=True)
    }
    return RawImage(dict(sorted(amplifiers.items())), header)


class _Exposures:
    """The reference exposures of one detector, simulated or drawn and processed without files."""

    def __init__(self, request: ReferenceRequest, model: DetectorModel) -> None:
        self.request, self.model = request, model
        self.by_use: dict[str, list[ReferenceExposure]] = {}
        for each in reference_exposures(request):
            self.by_use.setdefault(each.use, []).append(each)
        pixels = model.amplifiers[0].width * model.amplifiers[0].height
        self._few = max(LEAST, round(ENOUGH / pixels))

    def raw(self, exposure: ReferenceExposure, mean_of: int = 1) -> RawImage:
        """Raw image of an exposure, or of the mean of several."""
        request = exposure.request(self.request, self.model, "")
        images = simulate(request) if mean_of == 1 else mean_exposure(request, mean_of)
        return raw_image(self.model, images, exposure.header(self.request, self.model, DRAWN))

    def raws(self, use: str) -> tuple[RawImage, list[RawImage]]:
        """The mean of all exposures for a use, and some of them; few where all have the same noise."""
        exposures = self.by_use[use]
        few = exposures[: self._few if use == "bias" else LEAST]
        return self.raw(exposures[len(exposures) // 2], len(exposures)), [self.raw(each) for each in few]

    def process(self, raw: RawImage, pipeline: str, calibrations: Any, **options: bool) -> DetectorImage:
        """Remove the signature of the instrument as a pipeline does."""
        task = pipeline_task(pipeline, "isr", doDefect=False, **options)
        wanted = {"bias": "doBias", "dark": "doDark", "ptc": "doApplyGains"}
        image: DetectorImage = task.run(
            raw,
            **{name: each for name, each in calibrations.items() if getattr(task.config, wanted[name])},
            **camera_tables(self.model),
            detector=self.model.name,
            saturation={each.name: each.sensor.saturation for each in self.model.amplifiers},
        ).outputExposure
        return image

    def metadata(self, use: str, member: DetectorImage) -> list[dict[str, Any]]:
        """Metadata of all exposures for a use; what is measured in an image is that of one of them."""
        return [
            {**member.metadata, **each.header(self.request, self.model, DRAWN), "EXPOSURE": each.id}
            for each in self.by_use[use]
        ]

    def combine(
        self, use: str, mean: DetectorImage, members: Sequence[DetectorImage], scale: float = 1.0
    ) -> DetectorImage:
        """What the combination of all exposures for a use would be, undescribed."""
        number = len(self.by_use[use])
        image = DetectorImage(
            mean.image / np.float32(scale),
            combined_mask(np.stack([each.mask for each in members])),
            mean.amplifiers,
            {Key.UNITS: mean.unit},
            np.empty_like(mean.image),
        )
        assert image.variance is not None
        rng = random_stream(self.request.seed, "variance", use, self.model.instrument, self.model.id)
        for name, amplifier in image.amplifiers.items():
            pixels = image.pixels(name)
            variance = _single_variance([each.pixels(name) / np.float32(scale) for each in members], pixels)
            variance /= 1.0 + 1.0 / number
            if use == "bias":
                image.metadata[Key.COMBINED_NOISE.format(name)] = variance**0.5
            # More light or dark current has more noise, one electron^2 for each electron.
            excess = (pixels - np.median(pixels)) / np.float32(scale) if image.unit == "electron" else 0.0
            expected = np.maximum(variance + excess, LEAST_VARIANCE * variance) / number
            scatter = rng.standard_gamma((number - 1) / 2.0, pixels.shape, dtype=np.float32)
            image.variance[amplifier.box] = expected * scatter * np.float32(2.0 / (number - 1))
        return image


def _single_variance(members: Sequence[NDArray[np.float32]], mean: NDArray[np.float32]) -> float:
    """Variance of members around a mean."""
    return float(
        np.mean([clipped_statistics(each - mean, threshold=5.0, iterations=2).sigma ** 2 for each in members])
    )


def measure_pair(request: ReferenceRequest, detector: int, number: int) -> PhotonTransferCurve:
    """Simulate a pair of flats, and measure it.

    Parameters
    ----------
    request, detector
        The reference calibrations, and Butler id of the detector.
    number
        Which of the pairs, from 0.

    Returns
    -------
    pair
        As ``cpPtcExtract`` has it.
    """
    exposures = _Exposures(request, detector_model(request.instrument.name, detector, request.scale))
    flats = exposures.by_use["ptc"][2 * number : 2 * number + 2]
    images = [exposures.process(exposures.raw(each), "cpPtc.yaml", {}) for each in flats]
    pair: PhotonTransferCurve = pipeline_task("cpPtc.yaml", "cpExtract").run(*images).outputPair
    return pair


def draw_calibrations(
    request: ReferenceRequest, detector: int, pairs: Sequence[PhotonTransferCurve]
) -> DrawnCalibrations:
    """Draw the reference calibrations of a detector.

    Parameters
    ----------
    request, detector
        Which ones, and Butler id of the detector.
    pairs
        All of them, as `measure_pair` gives them.

    Returns
    -------
    drawn
        All of them.
    """
    exposures = _Exposures(request, detector_model(request.instrument.name, detector, request.scale))
    bias_raws = exposures.raws("bias")
    in_adu = _processed(exposures, bias_raws, "cpBias.yaml", {}, doApplyGains=False)
    bootstrap = exposures.combine("bias", *in_adu)
    metadata = exposures.metadata("bias", in_adu[1][0])
    describe_combination(bootstrap, metadata, [1.0] * len(metadata), "bias")
    curve = pipeline_task("cpPtc.yaml", "cpPtcSolve").run(inputPairs=pairs, bias=bootstrap).outputCurve
    found: dict[str, Any] = {"ptc": curve}

    mean, members = _processed(exposures, bias_raws, "cpBias.yaml", found)
    found["bias"] = exposures.combine("bias", mean, members)
    metadata = exposures.metadata("bias", members[0])
    describe_combination(found["bias"], metadata, [1.0] * len(metadata), "bias")

    mean, members = _processed(exposures, exposures.raws("dark"), "cpDark.yaml", found)
    scale = dark_time(members[0].metadata)
    found["dark"] = exposures.combine("dark", mean, members, scale)
    metadata = exposures.metadata("dark", members[0])
    describe_combination(found["dark"], metadata, [scale] * len(metadata), "dark")
    dark_defects = _defects("Dark", found["dark"], members, metadata)

    mean, members = _processed(exposures, exposures.raws("flat"), "cpFlat.yaml", found)
    flat = exposures.combine("flat", mean, members)
    metadata = exposures.metadata("flat", members[0])
    flat.metadata |= {"EXPOSURE": metadata[0]["EXPOSURE"], Key.DETECTOR_NAME: exposures.model.name}
    level = pipeline_task("cpFlat.yaml", "cpFlatMeasure").run(flat).level
    flat_defects = _defects("Flat", flat, members, metadata)
    merged = pipeline_task("cpDefects.yaml", "cpMergeDefects").run(dark_defects, flat_defects).defects
    merged.metadata |= DRAWN
    return DrawnCalibrations({**found, "flat": flat, "defects": merged}, level, metadata)


def _processed(
    exposures: _Exposures,
    raws: tuple[RawImage, list[RawImage]],
    pipeline: str,
    calibrations: Any,
    **options: bool,
) -> tuple[DetectorImage, list[DetectorImage]]:
    """A mean, and some exposures of it, processed; cosmic rays are searched in the latter only."""
    mean, members = raws
    return (
        exposures.process(mean, pipeline, calibrations, **options, doCosmicRays=False),
        [exposures.process(each, pipeline, calibrations, **options) for each in members],
    )


def _defects(
    kind: str, combined: DetectorImage, members: Sequence[DetectorImage], metadata: Sequence[dict[str, Any]]
) -> Defects:
    """Defects that a combination shows."""
    levels = np.stack([measure_levels(each) for each in members], axis=1)
    if kind == "Flat":
        light = flat_levels(measure_levels(combined)[:, None])[0]
        combined = DetectorImage(
            combined.image / np.float32(light), combined.mask, combined.amplifiers, combined.metadata
        )
    task = pipeline_task("cpDefects.yaml", f"cpMeasure{kind}Defects")
    defects: Defects = task.find(combined, levels, [each["EXPOSURE"] for each in metadata])
    return defects
