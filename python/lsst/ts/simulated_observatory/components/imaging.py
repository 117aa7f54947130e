"""The work behind an image: pixels and raw files of the detectors in use, made while the clock runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
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
    """Makes the files of images.

    Parameters
    ----------
    instrument
        Whose images.
    models
        The detectors for which pixels are made, by Butler id.
    folder
        Where the files go.
    machinery
        What makes pixels and raw files.
    workers
        Where it does so.
    seed
        Of the detectors and of the noise.
    faults
        Of the detectors.
    """

    instrument: Instrument
    models: Mapping[int, DetectorModel]
    folder: ImageFolder
    machinery: Machinery
    workers: Executor
    seed: int
    faults: tuple[DetectorFault, ...] = ()

    def begin(self, image: Image) -> None:
        """Write down that an image has begun: a later simulation ends it, should this one be killed.

        Parameters
        ----------
        image
            Which.

        Raises
        ------
        OSError
            The disk did not take it.
        """
        self.folder.begin(image, (self.instrument.detectors[detector] for detector in self.models))

    async def expose(self, image: Image, duration: float) -> None:
        """Make the pixels of an image.

        Parameters
        ----------
        image
            Which.
        duration
            Simulated seconds after which they are there.

        Raises
        ------
        Exception
            Whatever the pixel source raises, e.g. OSError on a full disk.
        """
        make = self.machinery.make_pixels
        await asyncio.gather(
            *(
                clock.work(duration, make, self._request(image, detector), executor=self.workers)
                for detector in self.models
            )
        )

    async def store(self, image: Image, headers: Mapping[int, Mapping[str, object]], duration: float) -> None:
        """Join pixels and headers to raw files within `duration` simulated seconds, and announce them.

        Parameters
        ----------
        image
            Whose pixels are there.
        headers
            Primary header by detector id.
        duration
            Simulated seconds.
        """
        files = {detector: self._file(image, detector) for detector in self.models}
        await asyncio.gather(
            *(
                clock.work(
                    duration,
                    _join,
                    self.machinery.write_raw,
                    path,
                    headers[detector],
                    self._segments(image, detector),
                    executor=self.workers,
                )
                for detector, path in files.items()
            )
        )
        self.folder.complete(image, files)

    def _file(self, image: Image, detector: int) -> Path:
        return self.folder.file(image.name, self.instrument.detectors[detector])

    def _segments(self, image: Image, detector: int) -> Path:
        return self.folder.segments(image.name, self.instrument.detectors[detector])

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
            path=str(self._segments(image, detector)),
        )


def _join(write_raw: RawWriter, path: Path, header: Mapping[str, object], segments: Path) -> None:
    """Write a raw file and remove the file of its pixels."""
    write_raw(str(path), header, str(segments))
    segments.unlink(missing_ok=True)
