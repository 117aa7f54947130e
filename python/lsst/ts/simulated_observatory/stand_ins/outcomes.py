"""What the pipelines leave in the Butler: the same dataset types in the same collections, without pixels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler, CollectionType, DataCoordinate, DatasetRef, DatasetType, FileDataset
from lsst.daf.butler.formatters.json import JsonFormatter

from lsst.ts.calibrations.domain.instruments import ImageType, Instrument

from ..cameras.models import DetectorModel, detector_model
from ..pipelines.calibration_types import CALIBRATION_TYPES
from ..pipelines.curvecriteria import verified_curve
from ..pipelines.flatpairs import Flat, pair_flats
from ..pipelines.formatters import TableFormatter
from ..pipelines.merging import exp_merge, run_merge
from ..pipelines.new_repository import calibration_type
from ..pipelines.ocps_job import Job
from ..pipelines.storage_classes import CURVE, STATISTICS
from ..pipelines.tasks import dimension_record
from .calibrations import combined_image, curve, found_defects, pair
from .measurements import Measured, StandInCamera

__all__ = ["Outcomes", "register_dataset_types"]

_EXPOSURE = ("instrument", "exposure")
_DETECTOR = ("instrument", "detector")
_IMAGE = ("instrument", "exposure", "detector")

_Results = Mapping[str, tuple[tuple[str, ...], str, Mapping[tuple[int, ...], Any]]]


def register_dataset_types(butler: Butler) -> None:
    """Register all dataset types of outcomes, which pipetask would do when it stores the first.

    Parameters
    ----------
    butler
        Writeable.
    """
    names: dict[str, tuple[tuple[str, ...], str]] = {"cpPtcExtract": (_IMAGE, CURVE)}
    for each in CALIBRATION_TYPES.values():
        prefix = each.statistics_prefix
        names[f"{prefix}DetStats"] = (_DETECTOR if each.verified_by_itself else _IMAGE, STATISTICS)
        if not each.verified_by_itself:
            names[f"{prefix}ExpStats"] = (_EXPOSURE, STATISTICS)
        names[f"{prefix}Stats"] = (("instrument",), STATISTICS)
    for name, (dimensions, storage) in names.items():
        butler.registry.registerDatasetType(
            DatasetType(name, dimensions, storage, universe=butler.dimensions)
        )


class Outcomes:
    """Puts outcomes of jobs into a repository.

    Parameters
    ----------
    repository
        Butler repository.
    instrument
        Whose images.
    camera
        What is measured on them.
    scale
        Of the camera model.
    """

    def __init__(self, repository: Path, instrument: Instrument, camera: StandInCamera, scale: int) -> None:
        self._repository = repository
        self._butler = Butler.from_config(str(repository), writeable=True)
        self._instrument = instrument
        self._camera = camera
        self._scale = scale

    def store(self, job: Job) -> None:
        """Store what a job makes, in ``<collection>/run``, with the chain above that pipetask makes.

        Parameters
        ----------
        job
            As the OCPS has it.

        Raises
        ------
        ValueError
            An input collection is missing or lacks what the job needs, or there is no image.
        """
        butler, run = self._butler, f"{job.collection}/run"
        butler.registry.refresh()
        inputs = job.inputs
        self._check(job, inputs)
        detectors = job.selected("detector")
        models = [detector_model(self._instrument.name, number, self._scale) for number in detectors]
        images = self._images(job.selected("exposure"), detectors)
        butler.collections.register(run)
        butler.collections.register(job.collection, CollectionType.CHAINED)
        butler.collections.redefine_chain(job.collection, [run, self._instrument.raw_collection, *inputs])
        if job.kind == "generate":
            self._combine(job.calibration, run, images, models)
        elif job.kind == "gain":
            self._store(run, self._pairs(images, models), TableFormatter)
        else:
            self._store(run, self._verified(job.calibration, inputs, images, models), JsonFormatter)

    def _check(self, job: Job, inputs: Sequence[str]) -> None:
        """Raise ValueError if the input collections lack what a job needs."""
        names = {info.name for info in self._butler.collections.query_info("*")}
        if missing := [name for name in inputs if name not in names]:
            raise ValueError(f"MissingCollectionError: no collection {', '.join(missing)}")
        infos = self._butler.collections.query_info(list(inputs), include_summary=True, flatten_chains=True)
        there = {name for info in infos for name in info.dataset_types or ()}
        calibration = CALIBRATION_TYPES.get(job.calibration)
        needed = () if calibration is None else calibration.needed_by(job.kind)
        if missing := [name for name in needed if name not in there]:
            raise ValueError(f"the quantum graph is empty: no {', '.join(missing)} in {', '.join(inputs)}")

    def _images(self, exposures: Sequence[int], detectors: Sequence[int]) -> list[Measured]:
        """The exposures that have raw images of all detectors, in the order in which they were taken."""
        found: dict[int, list[DatasetRef]] = {}
        for ref in self._butler.query_datasets(
            "raw",
            collections=self._instrument.raw_collection,
            instrument=self._instrument.name,
            where=f"exposure IN ({', '.join(map(str, exposures))})",
            with_dimension_records=True,
            explain=False,
        ):
            if ref.dataId["detector"] in detectors:
                found.setdefault(int(ref.dataId["exposure"]), []).append(ref)
        records = {
            number: dimension_record(refs[0], "exposure")
            for number, refs in sorted(found.items())
            if len(refs) == len(detectors)
        }
        if not records:
            raise ValueError("the quantum graph is empty: there is no raw image")
        return [
            Measured(
                exposure=number,
                kind=ImageType(record.observation_type.upper()),
                time=float(record.exposure_time),
                physical_filter=str(record.physical_filter),
                place=place,
            )
            for place, (number, record) in enumerate(records.items())
        ]

    def _combine(
        self, calibration: str, run: str, images: Sequence[Measured], models: Sequence[DetectorModel]
    ) -> None:
        """Store combined calibrations, one for each detector."""
        kind, ids = calibration_type(self._butler, calibration.lower()), [image.exposure for image in images]
        for model in models:
            data_id: dict[str, Any] = {"instrument": model.instrument, "detector": model.id}
            if CALIBRATION_TYPES[calibration].each_filter:
                data_id["physical_filter"] = images[0].physical_filter
            made: object
            if calibration == "DEFECTS":
                made = found_defects(model, ids)
            elif calibration == "PTC":
                made = curve(model, self._camera.seed, _pairs(images))
            else:
                made = combined_image(model, calibration, ids)
            self._butler.put(made, kind, data_id, run=run)

    def _verified(
        self,
        calibration: str,
        inputs: Sequence[str],
        images: Sequence[Measured],
        models: Sequence[DetectorModel],
    ) -> _Results:
        """Statistics of images, exposures and the run; or of the curve alone."""
        prefix = CALIBRATION_TYPES[calibration].statistics_prefix
        if calibration == "PTC":
            curves = {model.id: self._made("ptc", inputs, model) for model in models}
            by_detector: dict[tuple[int, ...], Any] = {
                (model.id,): verified_curve(curves[model.id], model) for model in models
            }
            return {
                f"{prefix}DetStats": (_DETECTOR, STATISTICS, by_detector),
                f"{prefix}Stats": (("instrument",), STATISTICS, {}),
            }
        combined = self._combined_from(calibration, inputs, models)
        measured: dict[tuple[int, ...], Any] = {}
        by_exposure: dict[tuple[int, ...], Any] = {}
        for image in images:
            same = len(combined) if image.exposure in combined else 0
            seen = Measured(image.exposure, image.kind, image.time, image.physical_filter, image.place, same)
            statistics = {
                model: self._camera.statistics(seen, model, defects=calibration == "DEFECTS")
                for model in models
            }
            measured |= {(image.exposure, model.id): found for model, found in statistics.items()}
            by_name = {model.name: found for model, found in statistics.items()}
            by_exposure[image.exposure,] = exp_merge(by_name, scatter=calibration == "FLAT")
        merged = run_merge({number: result for (number,), result in by_exposure.items()})
        return {
            f"{prefix}DetStats": (_IMAGE, STATISTICS, measured),
            f"{prefix}ExpStats": (_EXPOSURE, STATISTICS, by_exposure),
            f"{prefix}Stats": (("instrument",), STATISTICS, {(): merged}),
        }

    def _combined_from(
        self, calibration: str, inputs: Sequence[str], models: Sequence[DetectorModel]
    ) -> Sequence[int]:
        """Ids of the exposures in the calibration that is verified, if a job before this one made it."""
        if calibration == "DEFECTS" or not inputs[0].startswith("u/ocps/"):
            return ()
        made = self._made(calibration.lower(), inputs[:1], models[0])
        exposures: Sequence[int] = made.metadata["INPUT EXPOSURES"]
        return exposures

    def _made(self, name: str, inputs: Sequence[str], model: DetectorModel) -> Any:
        """The first calibration of a type and detector in some collections."""
        (ref, *_) = self._butler.query_datasets(
            name, collections=list(inputs), instrument=model.instrument, detector=model.id
        )
        return self._butler.get(ref)

    def _pairs(self, images: Sequence[Measured], models: Sequence[DetectorModel]) -> _Results:
        """What is measured on each pair of flats, under the ids of both."""
        by_id = {image.exposure: image for image in images}
        found: dict[tuple[int, ...], Any] = {
            (number, model.id): pair(model, both, self._camera.light(by_id[both[0]], model)).to_dict()
            for both in _pairs(images)
            for model in models
            for number in both
        }
        return {"cpPtcExtract": (_IMAGE, CURVE, found)}

    def _store(self, run: str, results: _Results, formatter: type[Any]) -> None:
        """Store JSON objects as datasets, all at once."""
        butler, files = self._butler, []
        folder = self._repository / run
        for name, (dimensions, storage, by_id) in results.items():
            kind = DatasetType(name, dimensions, storage, universe=butler.dimensions)
            butler.registry.registerDatasetType(kind)
            (folder / name).mkdir(parents=True)
            for key, values in by_id.items():
                path = folder / name / f"{'_'.join([name, *map(str, key)])}.json"
                path.write_text(json.dumps(values), encoding="utf-8")
                identity: dict[str, int | str] = dict(
                    zip(dimensions, (self._instrument.name, *key), strict=True)
                )
                data_id = DataCoordinate.standardize(identity, universe=butler.dimensions)
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
