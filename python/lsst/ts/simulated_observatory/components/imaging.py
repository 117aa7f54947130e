"""The work behind an image: pixels and raw files of the detectors in use, made while the clock runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from lsst.ts.calibrations.domain.instruments import Instrument

from .. import clock
from ..cameras.models import DetectorModel
from ..detector.exposure import ExposureRequest
from ..detector.faults import DetectorFault
from .image_folder import ImageFolder
from .images import Image
from .machinery import Machinery, RawWriter

__all__ = ["Imaging"]


@dataclass(frozen=True)
class Imaging:
    """Makes the files of images."""

    instrument: Instrument
    """Whose images."""
    models: Mapping[int, DetectorModel]
    """The detectors for which pixels are made, by Butler id."""
    folder: ImageFolder
    """Where the files go."""
    machinery: Machinery
    """What makes pixels and raw files."""
    workers: Executor
    """Where it does so."""
    seed: int
    """Of the detectors and of the noise."""
    faults: tuple[DetectorFault, ...] = ()
    """Of the detectors."""

    async def expose(self, image: Image, duration: float) -> None:
        """Make the pixels of an image, and raise what the pixel source raises, e.g. OSError on a full disk.

        Parameters
        ----------
        image, duration
            Which, and simulated seconds after which they are there.
        """
        make = self.machinery.make_pixels
        requests = [self._request(image, detector) for detector in self.models]
        await asyncio.gather(
            *(clock.work(duration, make, request, executor=self.workers) for request in requests)
        )

    async def store(self, image: Image, headers: Mapping[int, Mapping[str, object]], duration: float) -> None:
        """Join pixels and headers to raw files within `duration` simulated seconds, and announce them.

        Parameters
        ----------
        image, headers
            Whose pixels are there, and its primary headers by detector id.
        duration
            Simulated seconds.
        """
        files = {detector: self._file(image, detector) for detector in self.models}
        join = partial(_join, self.machinery.write_raw)
        await asyncio.gather(
            *(
                clock.work(duration, join, path, headers[detector], executor=self.workers)
                for detector, path in files.items()
            )
        )
        self.folder.complete(image, files)

    def _file(self, image: Image, detector: int) -> Path:
        return self.folder.file(image.name, self.instrument.detectors[detector])

    def _request(self, image: Image, detector: int) -> ExposureRequest:
        return ExposureRequest(
            instrument=self.instrument.name,
            detector=detector,
            scale=self.models[detector].scale,
            seed=self.seed,
            exposure_id=image.exposure,
            exposure_time=image.exposure_time,
            dark_time=image.dark_time,
            shutter_open=image.shutter,
            physical_filter=image.physical_filter,
            faults=self.faults,
            path=str(_segments(self._file(image, detector))),
            idle=image.idle,
            image=image.count,
        )


def _segments(file: Path) -> Path:
    """Path of the pixels of a raw file, until its header is there."""
    return file.with_suffix(".segments")


def _join(write_raw: RawWriter, path: Path, header: Mapping[str, object]) -> None:
    """Write a raw file and remove the file of its pixels."""
    write_raw(str(path), header, str(_segments(path)))
    _segments(path).unlink(missing_ok=True)
