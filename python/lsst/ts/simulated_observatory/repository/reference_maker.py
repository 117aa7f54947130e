"""Makes reference calibrations: exposures of an earlier night, combined by the project's own pipelines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from lsst.daf.butler import Butler, CollectionType, DatasetRef, Timespan

from lsst.ts.calibrations.domain.instruments import ImageType, exposure_id, image_name

from ..cameras import CAMERAS
from ..cameras.models import DetectorModel
from ..components.images import OVERHEAD
from ..detector.exposure import ExposureRequest
from ..detector.header import HeaderValue, file_name, primary_header
from ..detector.illumination import throughput
from ..detector.workers import make_workers
from ..pipelines import PIPELINES
from ..pipelines.calibration_types import CALIBRATION_TYPES
from ..pipelines.new_repository import certify_camera_model, create_repository
from ..pipelines.ocps_job import Job
from ..pipelines.pipetask import PipetaskRunner
from ..pipelines.raw_ingest import ingest_raw
from .ingest import make_raw
from .reference import ReferenceRequest
from .repository import make_once

__all__ = ["ReferenceFailed", "reference_exposures", "reference_repository"]

NIGHT = date(2024, 12, 1)
"""Observing day of the reference exposures: before any simulated night."""

HOUR = 18
"""TAI hour of the first of them."""

CAMERA = "camera"
"""Collection of the scratch repository that holds the camera model's crosstalk and linearity."""

FLAT_TIME = 20.0
"""Seconds of a reference flat in the r filter; flats of 5 s would be too noisy a reference."""

PTC_TIMES = (0.4, 0.8, 1.6, 3.0, 5.0, 8.0, 12.0, 16.0, 20.0, 24.0, 28.0, 32.0)
"""Seconds, in the r filter, of the pairs of the photon transfer curve: from the read noise to 97 000 adu."""

PROCESSES = 2
"""Pipelines that run at a time, each on its part of the detectors."""

MANY = 2
"""Detectors beyond which small ones get no more exposures than larger ones: it would take too long."""

OPTIONS = "--register-dataset-types -c isr:doDefect=False"
"""Of all pipelines: defects are found last."""


class _Shot(NamedTuple):
    """One exposure to make, of some seconds: with the lamp for flats and in the dark for all others."""

    image_type: ImageType
    exposure_time: float


class _Counts(NamedTuple):
    """How many exposures of each kind; small detectors need more for the same precision."""

    bias: int
    dark: int
    flat: int
    pairs: int


def reference_exposures(request: ReferenceRequest) -> int:
    """Count the exposures from which reference calibrations are made.

    Parameters
    ----------
    request
        Which ones.

    Returns
    -------
    exposures
        How many, of all types together.
    """
    return len(_shots(request))


class ReferenceFailed(RuntimeError):
    """A pipeline of the reference calibrations failed."""


def reference_repository(
    request: ReferenceRequest, say: Callable[[str], None], check: Callable[[], None]
) -> Path:
    """Find the repository of reference calibrations in the cache, or make it.

    Parameters
    ----------
    request
        Which ones.
    say
        Called with what is going on, if it takes time.
    check
        Called where nothing is half done that would stay; its exceptions end the work.

    Returns
    -------
    repository
        To be copied, never to be written to.

    Raises
    ------
    ReferenceFailed
        A pipeline failed; the message names its log.
    OSError
        The cache cannot be written.
    """
    repository = request.repository

    def make(place: Path) -> None:
        say("Making the reference calibrations (once for this scale, seed and filter)...")
        work = place.with_name("work")
        work.mkdir()
        _ReferenceMaker(request, work, logs=repository.parent, say=say, check=check).make().rename(place)

    repository.parent.mkdir(parents=True, exist_ok=True)
    make_once(repository, {"reference": request.name}, make, check)
    return repository


@dataclass
class _ReferenceMaker:
    """Makes one repository of reference calibrations; the logs of pipelines that fail are kept in `logs`."""

    request: ReferenceRequest
    folder: Path
    logs: Path
    say: Callable[[str], None]
    check: Callable[[], None]

    def make(self) -> Path:
        """Take the exposures, run the pipelines, keep the calibrations; return the repository."""
        kept = self.folder / "kept"
        with self._new_repository(self.folder / "scratch", CAMERA) as scratch:
            self._combine(scratch, self._take(scratch))
            calibrations = self.request.instrument.calibration_collection
            with self._new_repository(kept, f"{calibrations}/camera") as target:
                refs = self._copy(scratch, target)
                _certify(target, refs, f"{calibrations}/reference")
                target.collections.register(calibrations, CollectionType.CHAINED)
                target.collections.redefine_chain(
                    calibrations, [f"{calibrations}/reference", f"{calibrations}/camera"]
                )
        return kept

    def _new_repository(self, path: Path, camera: str) -> Butler:
        """Make a repository with the camera model's calibrations in the collection `camera`."""
        create_repository(str(path), [self.request.instrument.name])
        butler = Butler.from_config(str(path), writeable=True)
        for model in self.request.models:
            certify_camera_model(butler, model, run=f"{camera}/run", collection=camera)
        return butler

    def _take(self, butler: Butler) -> dict[int, _Shot]:
        """Make and ingest the raw files, each an exposure of its own; return the shots by exposure id."""
        raws, instrument, workers = self.folder / "raw", self.request.instrument, make_workers(2)
        raws.mkdir()
        taken: dict[int, _Shot] = {}
        begin = datetime(NIGHT.year, NIGHT.month, NIGHT.day, HOUR, tzinfo=UTC).timestamp()
        try:
            pending = []
            for number, shot in enumerate(_shots(self.request), 1):
                name = image_name(instrument.code, int(NIGHT.strftime("%Y%m%d")), number)
                taken[exposure_id(name)] = shot
                for model in self.request.models:
                    path = raws / file_name(name, model)
                    raw = _raw(shot, name, model, path, begin, self.request)
                    pending.append(workers.submit(make_raw, *raw, str(path)))
                begin += shot.exposure_time + instrument.readout_time + instrument.shutter_time
            for done, future in enumerate(as_completed(pending), 1):
                future.result()
                self.check()
                if done % 50 == 0 or done == len(pending):
                    self.say(f"  reference exposures: {done} of {len(pending)}")
        finally:  # an interrupt does not wait for what has not begun
            workers.shutdown(cancel_futures=True)
        for path in sorted(raws.glob("*.fits")):
            self.check()
            ingest_raw(butler, str(path))
        return taken

    def _combine(self, butler: Butler, exposures: Mapping[int, _Shot]) -> None:
        """Run the pipelines in the order in which they need each other.

        A first combined bias in adu knows the noise of an image that went through the processing, which the
        photon transfer curve wants; all else is in electrons and needs the gains of that curve.
        """
        ids = {kind: [n for n, shot in exposures.items() if shot.image_type is kind] for kind in ImageType}
        biases, darks = ids[ImageType.BIAS], ids[ImageType.DARK]
        n_flat = _counts(self.request).flat
        flats, pairs = ids[ImageType.FLAT][:n_flat], ids[ImageType.FLAT][n_flat:]
        self._run(butler, "bootstrap", "cpBias.yaml", biases, [], "-c isr:doApplyGains=False")
        self._run(butler, "ptc", "cpPtc.yaml", pairs, ["certified/bootstrap"])
        self._run(butler, "bias", "cpBias.yaml", biases, ["certified/ptc"])
        inputs = ["certified/ptc", "certified/bias"]
        self._run(butler, "dark", "cpDark.yaml", darks, inputs)
        self._run(butler, "flat", "cpFlat.yaml", flats, [*inputs, "certified/dark"])
        self._run(butler, "defects", "cpDefects.yaml", [*darks, *flats], [*inputs, "certified/dark"])

    def _run(
        self,
        butler: Butler,
        name: str,
        pipeline: str,
        exposures: Sequence[int],
        inputs: Sequence[str],
        options: str = "",
    ) -> None:
        """Run one pipeline, a part of the detectors in each process, and certify what it made."""
        self.say(f"  reference {name}: {pipeline}")
        parts = [part for n in range(PROCESSES) if (part := self.request.detectors[n::PROCESSES])]
        jobs = [
            Job(
                job_id=f"reference-{name}-{number}",
                pipeline=f"{PIPELINES}/{pipeline}",
                config=f"-i {','.join([*inputs, CAMERA])} {OPTIONS} {options}",
                data_query=f"instrument='{self.request.instrument.name}' AND detector IN ({_listed(part)})"
                f" AND exposure IN ({_listed(exposures)})",
                folder=self.folder / f"{name}-{number}",
            )
            for number, part in enumerate(parts)
        ]
        run_job = PipetaskRunner(self.folder / "scratch", self.request.instrument.raw_collection)
        with ThreadPoolExecutor(max_workers=PROCESSES) as threads:
            outcomes = list(threads.map(lambda job: run_job(job).run(), jobs))
        self.check()  # whoever is interrupted ends the pipelines, and their exit status says nothing
        for job, status in zip(jobs, outcomes, strict=True):
            if status != 0:
                kept = shutil.copy(job.log, self.logs / f"{name}.log")
                raise ReferenceFailed(
                    f"the pipeline of the reference {name} ended with {status}; its log: {kept}"
                )
        _certify(butler, _made(butler, name), f"certified/{name}")
        _drop_images(butler, name)

    def _copy(self, source: Butler, target: Butler) -> list[DatasetRef]:
        """Copy the calibrations, and nothing else, to the repository that stays."""
        refs = [ref for each in CALIBRATION_TYPES.values() for ref in _made(source, each.dataset_type)]
        target.transfer_from(
            source, refs, transfer="copy", register_dataset_types=True, transfer_dimensions=True
        )
        return refs


def _shots(request: ReferenceRequest) -> list[_Shot]:
    """Biases, darks, flats to combine, then pairs of flats for the photon transfer curve."""
    counts, brightness = _counts(request), throughput(request.optics.physical_filter)
    curve = [time for time in PTC_TIMES for _ in range(2 * counts.pairs)]
    return [
        *[_Shot(ImageType.BIAS, 0.0)] * counts.bias,
        *[_Shot(ImageType.DARK, 30.0)] * counts.dark,
        *[_Shot(ImageType.FLAT, FLAT_TIME / brightness)] * counts.flat,
        *(_Shot(ImageType.FLAT, time / brightness) for time in curve),
    ]


def _raw(
    shot: _Shot, name: str, model: DetectorModel, path: Path, begin: float, request: ReferenceRequest
) -> tuple[ExposureRequest, dict[str, HeaderValue]]:
    """What makes the pixels and the primary header of a raw file."""
    optics = request.optics
    exposure = ExposureRequest(
        instrument=model.instrument,
        detector=model.id,
        scale=model.scale,
        seed=request.seed,
        exposure_id=exposure_id(name),
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
        image_type=shot.image_type.value,
        exposure_time=shot.exposure_time,
        dark_time=exposure.dark_time,
        begin_tai=begin,
        end_tai=begin + shot.exposure_time,
        seed=request.seed,
        keywords={
            "FILTER": optics.filter,
            "FILTBAND": CAMERAS[model.instrument].find_filter(optics.filter).band,
            "GRATING": optics.grating,
            "GROUPID": name,
            "PROGRAM": "reference",
        },
    )
    return exposure, header


def _counts(request: ReferenceRequest) -> _Counts:
    if request.scale == 1:
        return _Counts(bias=50, dark=30, flat=30, pairs=1)
    if request.scale <= 4 or len(request.detectors) > MANY:
        return _Counts(bias=50, dark=30, flat=50, pairs=3)
    return _Counts(bias=100, dark=50, flat=50, pairs=6)


def _made(butler: Butler, name: str) -> list[DatasetRef]:
    """The calibrations that a pipeline made."""
    butler.registry.refresh()
    dataset_type = "bias" if name == "bootstrap" else name
    return [
        ref for run in _runs(butler, name) for ref in butler.query_datasets(dataset_type, collections=run)
    ]


def _runs(butler: Butler, name: str) -> list[str]:
    """Collections with the results of a pipeline, one for each of its processes."""
    return sorted(butler.collections.query(f"u/ocps/reference-{name}-*/run"))


def _drop_images(butler: Butler, name: str) -> None:
    """Delete the processed images of a pipeline: at full size they would fill the disk."""
    refs = [
        ref
        for run in _runs(butler, name)
        for each in butler.registry.queryDatasetTypes("*Proc")
        for ref in butler.query_datasets(each, collections=run, explain=False)
    ]
    butler.pruneDatasets(refs, unstore=True, purge=True, disassociate=True)


def _certify(butler: Butler, refs: Sequence[DatasetRef], collection: str) -> None:
    """Certify calibrations without bounds."""
    butler.collections.register(collection, CollectionType.CALIBRATION)
    butler.registry.certify(collection, refs, Timespan(None, None))


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
