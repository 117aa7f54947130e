"""Makes reference calibrations: exposures of an earlier night, combined by the project's own pipelines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from lsst.daf.butler import Butler, CollectionType, DatasetRef, Timespan

from lsst.ts.calibrations.domain.instruments import ImageType

from ..cameras.models import detector_model
from ..detector.illumination import throughput
from ..pipelines import PIPELINES
from ..pipelines.new_repository import certify_camera_model, create_repository
from ..pipelines.ocps_job import Job
from ..pipelines.pipetask import PipetaskRunner
from ..pipelines.raw_ingest import ingest_raw
from .reference_request import ReferenceRequest
from .shots import Shot, take_shots

__all__ = ["ReferenceFailed", "ReferenceMaker", "reference_exposures"]

NIGHT = date(2024, 12, 1)
"""Observing day of the reference exposures: before any simulated night."""

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


@dataclass(frozen=True)
class _Counts:
    """How many exposures of each kind; small detectors need more for the same precision."""

    bias: int
    dark: int
    flat: int
    pairs: int


def reference_exposures(scale: int, detectors: int) -> int:
    """How many exposures reference calibrations are made from.

    Parameters
    ----------
    scale
        Of the simulated detectors.
    detectors
        Number of detectors.

    Returns
    -------
    exposures
        Biases, darks and flats together.
    """
    counts = _counts(scale, detectors)
    return counts.bias + counts.dark + counts.flat + 2 * counts.pairs * len(PTC_TIMES)


class ReferenceFailed(RuntimeError):
    """A pipeline of the reference calibrations failed."""


class ReferenceMaker:
    """Makes one repository of reference calibrations.

    Parameters
    ----------
    request
        Which calibrations.
    folder
        To work in.
    logs
        Where the log of a pipeline that fails is kept.
    say
        Called with what is going on.
    check
        Called between the steps; its exceptions end the work.
    """

    def __init__(
        self,
        request: ReferenceRequest,
        folder: Path,
        *,
        logs: Path,
        say: Callable[[str], None],
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._request = request
        self._instrument = request.instrument
        self._folder = folder
        self._logs = logs
        self._say = say
        self._check = check
        self._models = [
            detector_model(self._instrument.name, number, request.scale) for number in request.detectors
        ]
        self._counts = _counts(request.scale, len(request.detectors))
        self._scratch = folder / "scratch"
        self._exposures: dict[int, Shot] = {}

    def make(self) -> Path:
        """Take the exposures, run the pipelines, keep the calibrations; return the repository.

        Raises
        ------
        ReferenceFailed
            A pipeline failed.
        """
        kept = self._folder / "kept"
        with self._new_repository(self._scratch, CAMERA) as scratch:
            self._take(scratch)
            self._combine(scratch)
            calibrations = self._instrument.calibration_collection
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
        create_repository(str(path), [self._instrument.name])
        butler = Butler.from_config(str(path), writeable=True)
        for model in self._models:
            certify_camera_model(butler, model, run=f"{camera}/run", collection=camera)
        return butler

    def _take(self, butler: Butler) -> None:
        raws = self._folder / "raw"
        raws.mkdir()
        self._exposures = take_shots(
            self._shots(),
            folder=raws,
            instrument=self._instrument,
            models=self._models,
            optics=self._request.optics,
            seed=self._request.seed,
            night=NIGHT,
            progress=self._progress,
        )
        for path in sorted(raws.glob("*.fits")):
            self._check()
            ingest_raw(butler, str(path))

    def _shots(self) -> list[Shot]:
        """Biases, darks, flats to combine, then pairs of flats for the photon transfer curve."""
        counts, brightness = self._counts, throughput(self._request.optics.physical_filter)
        curve = [time for time in PTC_TIMES for _ in range(2 * counts.pairs)]
        return [
            *[Shot(ImageType.BIAS, 0.0)] * counts.bias,
            *[Shot(ImageType.DARK, 30.0)] * counts.dark,
            *[Shot(ImageType.FLAT, FLAT_TIME / brightness)] * counts.flat,
            *(Shot(ImageType.FLAT, time / brightness) for time in curve),
        ]

    def _progress(self, done: int, of: int) -> None:
        self._check()
        if done % 50 == 0 or done == of:
            self._say(f"  reference exposures: {done} of {of}")

    def _combine(self, butler: Butler) -> None:
        """Run the pipelines in the order in which they need each other.

        A first combined bias in adu knows the noise of an image that went through the processing, which the
        photon transfer curve wants; all else is in electrons and needs the gains of that curve.
        """
        ids = {
            kind: [n for n, shot in self._exposures.items() if shot.image_type is kind] for kind in ImageType
        }
        biases, darks = ids[ImageType.BIAS], ids[ImageType.DARK]
        flats, pairs = ids[ImageType.FLAT][: self._counts.flat], ids[ImageType.FLAT][self._counts.flat :]
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
        self._say(f"  reference {name}: {pipeline}")
        parts = [part for n in range(PROCESSES) if (part := self._request.detectors[n::PROCESSES])]
        jobs = [
            Job(
                job_id=f"reference-{name}-{number}",
                pipeline=f"{PIPELINES}/{pipeline}",
                config=f"-i {','.join([*inputs, CAMERA])} {OPTIONS} {options}",
                data_query=f"instrument='{self._instrument.name}' AND detector IN ({_listed(part)})"
                f" AND exposure IN ({_listed(exposures)})",
                folder=self._folder / f"{name}-{number}",
            )
            for number, part in enumerate(parts)
        ]
        run_job = PipetaskRunner(self._scratch, self._instrument.raw_collection)
        with ThreadPoolExecutor(max_workers=PROCESSES) as threads:
            outcomes = list(threads.map(lambda job: run_job(job).run(), jobs))
        self._check()  # whoever is interrupted ends the pipelines, and their exit status says nothing
        for job, status in zip(jobs, outcomes, strict=True):
            if status != 0:
                kept = shutil.copy(job.log, self._logs / f"{name}.log")
                raise ReferenceFailed(
                    f"the pipeline of the reference {name} ended with {status}; its log: {kept}"
                )
        _certify(butler, _made(butler, name), f"certified/{name}")
        _drop_images(butler, name)

    def _copy(self, source: Butler, target: Butler) -> list[DatasetRef]:
        """Copy the calibrations, and nothing else, to the repository that stays."""
        refs = [ref for name in ("bias", "dark", "flat", "defects", "ptc") for ref in _made(source, name)]
        target.transfer_from(
            source, refs, transfer="copy", register_dataset_types=True, transfer_dimensions=True
        )
        return refs


def _counts(scale: int, detectors: int) -> _Counts:
    if scale == 1:
        return _Counts(bias=50, dark=30, flat=30, pairs=1)
    if scale <= 4 or detectors > MANY:
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
    types = [each.name for each in butler.registry.queryDatasetTypes("*Proc")]
    refs = [
        ref
        for run in _runs(butler, name)
        for image in types
        for ref in butler.query_datasets(image, collections=run, explain=False)
    ]
    butler.pruneDatasets(refs, unstore=True, purge=True, disassociate=True)


def _certify(butler: Butler, refs: Sequence[DatasetRef], collection: str) -> None:
    """Certify calibrations without bounds."""
    butler.collections.register(collection, CollectionType.CALIBRATION)
    butler.registry.certify(collection, refs, Timespan(None, None))


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
