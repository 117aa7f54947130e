"""Exposures made directly, without camera and bus: what reference calibrations are made from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from lsst.ts.calibrations.domain.instruments import ImageType, exposure_id, image_name

from ..cameras.models import DetectorModel
from ..components.images import OVERHEAD
from ..components.optics import band_of
from ..detector.exposure import ExposureRequest, write_raw, write_segments
from ..detector.header import HeaderValue, file_name, primary_header
from ..detector.workers import make_workers
from .reference import ReferenceRequest

__all__ = ["Shot", "take_shots"]

HOUR = 18
"""TAI hour of the first exposure."""


@dataclass(frozen=True)
class Shot:
    """One exposure to make, with the lamp for flats and in the dark for all others.

    Parameters
    ----------
    image_type, exposure_time
        Type, and seconds.
    """

    image_type: ImageType
    exposure_time: float


def take_shots(
    shots: Sequence[Shot],
    request: ReferenceRequest,
    *,
    folder: Path,
    night: date,
    progress: Callable[[int, int], None],
) -> dict[int, Shot]:
    """Make raw files.

    Parameters
    ----------
    shots
        What to take, in order; each is an exposure of its own, from sequence number 1.
    request
        With which instrument, detectors, filter and grating.
    folder, night
        Where the files go, and the observing day.
    progress
        Called with the number of files made and of all.

    Returns
    -------
    exposures
        The shots by exposure id.
    """
    instrument = request.instrument
    begin = datetime(night.year, night.month, night.day, HOUR, tzinfo=UTC).timestamp()
    taken: dict[int, Shot] = {}
    workers = make_workers(2)
    try:
        pending = []
        for number, shot in enumerate(shots, 1):
            name = image_name(instrument.code, int(night.strftime("%Y%m%d")), number)
            taken[exposure_id(name)] = shot
            for model in request.models:
                path = folder / file_name(name, model)
                raw = _raw(shot, name, model, path, begin, request)
                pending.append(workers.submit(_make, *raw, str(path)))
            begin += shot.exposure_time + instrument.readout_time + instrument.shutter_time
        for done, future in enumerate(as_completed(pending), 1):
            future.result()
            progress(done, len(pending))
    finally:  # an interrupt does not wait for what has not begun
        workers.shutdown(cancel_futures=True)
    return taken


def _raw(
    shot: Shot, name: str, model: DetectorModel, path: Path, begin: float, request: ReferenceRequest
) -> tuple[ExposureRequest, dict[str, HeaderValue]]:
    """What makes the pixels and the primary header of a raw file."""
    number, optics = exposure_id(name), request.optics
    exposure = ExposureRequest(
        instrument=model.instrument,
        detector=model.id,
        scale=model.scale,
        seed=request.seed,
        exposure_id=number,
        exposure_time=shot.exposure_time,
        dark_time=shot.exposure_time + OVERHEAD,
        shutter_open=shot.image_type is ImageType.FLAT,
        physical_filter=optics.physical_filter,
        faults=(),
        path=str(path.with_suffix(".segments")),
    )
    header = primary_header(
        model=model,
        image_name=name,
        day_obs=number // 100_000,
        seq_num=number % 100_000,
        image_type=shot.image_type.value,
        exposure_time=shot.exposure_time,
        dark_time=exposure.dark_time,
        begin_tai=begin,
        end_tai=begin + shot.exposure_time,
        filter_name=optics.filter,
        filter_band=band_of(request.instrument, optics.filter),
        grating=optics.grating,
        group_id=name,
        program="reference",
        seed=request.seed,
    )
    return exposure, header


def _make(request: ExposureRequest, header: dict[str, HeaderValue], path: str) -> None:
    """Make one raw file; runs in a worker process."""
    write_segments(request)
    write_raw(path, header, request.path)
    Path(request.path).unlink()
