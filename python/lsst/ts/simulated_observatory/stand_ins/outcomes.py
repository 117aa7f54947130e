"""What the pipelines leave in the Butler: the same dataset types in the same collections, without pixels.

Tables (``verify<X>Results``), which no script reads, are left out.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lsst.daf.butler import (
    Butler,
    CollectionType,
    DataCoordinate,
    DatasetRef,
    DatasetType,
    EmptyQueryResultError,
    FileDataset,
)
from lsst.daf.butler.formatters.json import JsonFormatter

from lsst.ts.calibrations.domain.instruments import ImageType, Instrument

from ..cameras.models import DetectorModel, detector_model
from ..pipelines.calibration_types import CALIBRATION_TYPES, CalibrationType
from ..pipelines.curvecriteria import verified_curve
from ..pipelines.flatpairs import Flat, pair_flats
from ..pipelines.formatters import TableFormatter
from ..pipelines.merging import exp_merge, run_merge
from ..pipelines.new_repository import calibration_type
from ..pipelines.ocps_job import Job
from ..pipelines.storage_classes import CURVE, DEFECTS, IMAGE, STATISTICS
from ..pipelines.tasks import dimension_record
from ..repository.ingest import open_anew
from .calibrations import CombinedCalibration
from .measurements import Measured, StandInCamera

__all__ = ["Outcomes", "register_dataset_types"]

SIMULATED = (
    "SIMULATED: this job ran in the simulated OCPS of ts_calibrations, without pixels and pipelines.\n"
)
"""First line of every log."""

FAILED = 1
KILLED = 255
"""Exit statuses."""

_PAIRS = "cpPtcExtract"

_Results = Mapping[str, Mapping[tuple[int, ...], Any]]
"""What is stored as JSON, by dataset type and the ids of exposure and detector, as far as it has them."""


def _dataset_types(butler: Butler) -> Iterator[DatasetType]:
    """Dataset types of all that is stored as JSON."""
    detector, image = ("instrument", "detector"), ("instrument", "exposure", "detector")
    names: dict[str, tuple[tuple[str, ...], str]] = {_PAIRS: (image, CURVE)}
    for each in CALIBRATION_TYPES.values():
        prefix = each.statistics_prefix
        names[f"{prefix}DetStats"] = (detector if each.verified_by_itself else image, STATISTICS)
        if not each.verified_by_itself:
            names[f"{prefix}ExpStats"] = (("instrument", "exposure"), STATISTICS)
        names[f"{prefix}Stats"] = (("instrument",), STATISTICS)
    for name, (dimensions, storage) in names.items():
        yield DatasetType(name, dimensions, storage, universe=butler.dimensions)


def register_dataset_types(butler: Butler) -> None:
    """Register all dataset types of outcomes, which pipetask would do when it stores the first.

    Parameters
    ----------
    butler
        Writeable.
    """
    for each in _dataset_types(butler):
        butler.registry.registerDatasetType(each)


@dataclass
class _StandInJob:
    """One job: `store` stores its outcome, one at a time."""

    job: Job
    store: Callable[[Job], None]
    lock: threading.Lock
    killed: bool = False

    def run(self) -> int:
        """Store the outcome and write the log; return 0, or 1 if the pipelines could not have run."""
        if self.killed:
            return KILLED
        self.job.log.parent.mkdir(parents=True, exist_ok=True)
        status, words = 0, "done"
        try:
            with self.lock:
                self.store(self.job)
        except Exception as error:  # pipetask ends with 1, whatever it is that stops it
            status, words = FAILED, f"{type(error).__name__}: {error}"
        self.job.log.write_text(f"{SIMULATED}{self.job.pipeline} {self.job.data_query}\n{words}\n")
        return status

    def kill(self) -> None:
        """Keep it from beginning; one that has begun is nearly at its end."""
        self.killed = True


@dataclass
class Outcomes:
    """Prepares jobs that need no pixels, and puts their outcomes into a repository.

    Parameters
    ----------
    repository, instrument
        Butler repository, and whose images it has.
    camera, scale
        What is measured on them, and the scale of the camera model.
    open_butler
        Opens the repository, given its path and whether to write.
    """

    repository: Path
    instrument: Instrument
    camera: StandInCamera
    scale: int
    open_butler: Callable[[str, bool], Butler] = open_anew
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    @cached_property
    def _butler(self) -> Butler:
        return self.open_butler(str(self.repository), True)

    def __call__(self, job: Job, /) -> _StandInJob:
        """Return the process of a job, not yet running."""
        return _StandInJob(job, self._store_outcome, self._lock)

    def _store_outcome(self, job: Job) -> None:
        """Store what a job makes, in ``<collection>/run``, with the chain above that pipetask makes.

        Raise ValueError if an input collection is missing or lacks what the job needs, or there is no image.
        """
        butler, run, inputs = self._butler, f"{job.collection}/run", job.inputs
        butler.registry.refresh()
        self._check(job)
        detectors = job.selected("detector")
        models = [detector_model(self.instrument.name, number, self.scale) for number in detectors]
        images = self._images(job.selected("exposure"), detectors)
        butler.collections.register(run)
        butler.collections.register(job.collection, CollectionType.CHAINED)
        butler.collections.redefine_chain(job.collection, [run, self.instrument.raw_collection, *inputs])
        if job.kind == "gain":
            self._store(run, self._pairs(images, models), TableFormatter)
        elif job.kind == "generate":
            self._combine(CALIBRATION_TYPES[job.calibration], run, images, models)
        else:
            results = self._verified(CALIBRATION_TYPES[job.calibration], inputs, images, models)
            self._store(run, results, JsonFormatter)

    def _check(self, job: Job) -> None:
        """Raise ValueError if the input collections lack what a job needs."""
        names = {info.name for info in self._butler.collections.query_info("*")}
        if missing := [name for name in job.inputs if name not in names]:
            raise ValueError(f"MissingCollectionError: no collection {', '.join(missing)}")
        infos = self._butler.collections.query_info(job.inputs, include_summary=True, flatten_chains=True)
        there = {name for info in infos for name in info.dataset_types or ()}
        calibration = CALIBRATION_TYPES.get(job.calibration)
        needed = () if calibration is None else calibration.needed[job.kind]
        if missing := [name for name in needed if name not in there]:
            raise ValueError(
                f"the quantum graph is empty: no {', '.join(missing)} in {', '.join(job.inputs)}"
            )

    def _images(self, exposures: Sequence[int], detectors: Sequence[int]) -> list[Measured]:
        """The exposures that have raw images of all detectors, in the order in which they were taken."""
        found: dict[int, list[DatasetRef]] = {}
        for ref in self._butler.query_datasets(
            "raw",
            collections=self.instrument.raw_collection,
            instrument=self.instrument.name,
            where=f"exposure IN ({', '.join(map(str, exposures))})",
            with_dimension_records=True,
            explain=False,
        ):
            if ref.dataId["detector"] in detectors:
                found.setdefault(int(ref.dataId["exposure"]), []).append(ref)
        complete = [refs[0] for _, refs in sorted(found.items()) if len(refs) == len(detectors)]
        if not complete:
            raise ValueError("the quantum graph is empty: there is no raw image")
        records = [dimension_record(ref, "exposure") for ref in complete]
        return [
            Measured(
                exposure=int(record.id),
                kind=ImageType(record.observation_type.upper()),
                time=float(record.exposure_time),
                physical_filter=str(record.physical_filter),
                place=place,
            )
            for place, record in enumerate(records)
        ]

    def _combine(
        self, kind: CalibrationType, run: str, images: Sequence[Measured], models: Sequence[DetectorModel]
    ) -> None:
        """Store combined calibrations, one for each detector."""
        dataset_type = calibration_type(self._butler, kind.dataset_type)
        exposures, pairs = [image.exposure for image in images], _pairs(images)
        for model in models:
            data_id: dict[str, Any] = {"instrument": model.instrument, "detector": model.id}
            if kind.each_filter:
                data_id["physical_filter"] = images[0].physical_filter
            made = CombinedCalibration(kind, model, self.camera.seed, exposures, pairs).make()
            self._butler.put(made, dataset_type, data_id, run=run)

    def _verified(
        self,
        kind: CalibrationType,
        inputs: Sequence[str],
        images: Sequence[Measured],
        models: Sequence[DetectorModel],
    ) -> _Results:
        """Statistics of images, exposures and the run; or of the curve of each detector alone."""
        prefix = kind.statistics_prefix
        measured: dict[tuple[int, ...], Any] = {}
        if kind.verified_by_itself:
            for model in models:
                measured[model.id,] = verified_curve(self._made(kind, inputs, model), model)
            return {f"{prefix}DetStats": measured, f"{prefix}Stats": {}}
        combined = self._combined_from(kind, inputs, models)
        without_gain = {model: self._without_gain(inputs, model) for model in models}
        by_exposure: dict[int, Any] = {}
        for image in images:
            seen = replace(image, combined=len(combined) if image.exposure in combined else 0)
            statistics = {
                model: self.camera.statistics(
                    seen, model, defects=kind.storage_class == DEFECTS, without_gain=without_gain[model]
                )
                for model in models
            }
            measured |= {(image.exposure, model.id): found for model, found in statistics.items()}
            by_name = {model.name: found for model, found in statistics.items()}
            scatter = all("MEAN" in found["DET"] for found in by_name.values())  # flats
            by_exposure[image.exposure] = exp_merge(by_name, scatter=scatter)
        return {
            f"{prefix}DetStats": measured,
            f"{prefix}ExpStats": {(key,): found for key, found in by_exposure.items()},
            f"{prefix}Stats": {(): run_merge(by_exposure)},
        }

    def _without_gain(self, inputs: Sequence[str], model: DetectorModel) -> Sequence[str]:
        """Amplifiers of which the photon transfer curve in use, if there is one, has no gain."""
        try:
            curve = self._made(CALIBRATION_TYPES["PTC"], inputs, model)
        except EmptyQueryResultError:
            return ()
        bad: Sequence[str] = curve.badAmps
        return bad

    def _combined_from(
        self, kind: CalibrationType, inputs: Sequence[str], models: Sequence[DetectorModel]
    ) -> Sequence[int]:
        """Ids of the exposures in the image that is verified, if a job before this one made it."""
        if kind.storage_class != IMAGE or not inputs[0].startswith("u/ocps/"):
            return ()
        exposures: Sequence[int] = self._made(kind, inputs[:1], models[0]).metadata["INPUT EXPOSURES"]
        return exposures

    def _made(self, kind: CalibrationType, inputs: Sequence[str], model: DetectorModel) -> Any:
        """The first calibration of a type and detector in some collections."""
        (ref, *_) = self._butler.query_datasets(
            kind.dataset_type, collections=list(inputs), instrument=model.instrument, detector=model.id
        )
        return self._butler.get(ref)

    def _pairs(self, images: Sequence[Measured], models: Sequence[DetectorModel]) -> _Results:
        """What is measured on each pair of flats, under the ids of both."""
        by_id = {image.exposure: image for image in images}
        found: dict[tuple[int, ...], Any] = {
            (number, model.id): self.camera.pair(by_id[both[0]], both, model).to_dict()
            for both in _pairs(images)
            for model in models
            for number in both
        }
        return {_PAIRS: found}

    def _store(self, run: str, results: _Results, formatter: type[Any]) -> None:
        """Store JSON objects as datasets, all at once."""
        butler, files, folder = self._butler, [], self.repository / run
        for kind in _dataset_types(butler):
            if kind.name not in results:
                continue
            butler.registry.registerDatasetType(kind)
            (folder / kind.name).mkdir(parents=True)
            dimensions = [each for each in ("exposure", "detector") if each in kind.dimensions.required]
            for key, values in results[kind.name].items():
                path = folder / kind.name / f"{'_'.join([kind.name, *map(str, key)])}.json"
                path.write_text(json.dumps(values), encoding="utf-8")
                identity: dict[str, int | str] = dict(zip(dimensions, key, strict=True))
                data_id = DataCoordinate.standardize(
                    identity, instrument=self.instrument.name, universe=butler.dimensions
                )
                ref = DatasetRef(kind, data_id, run=run)
                files.append(FileDataset(path=str(path), refs=[ref], formatter=formatter))
        butler.ingest(*files, transfer=None)


def _pairs(images: Iterable[Measured]) -> list[tuple[int, int]]:
    """Pairs of flats of the same exposure time."""
    return pair_flats(
        [
            Flat(image.exposure, image.time, image.physical_filter)
            for image in images
            if image.kind is ImageType.FLAT
        ]
    )
