"""Repositories to begin with: reference calibrations without pixels, made once and copied for each run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lsst.daf.butler import Butler, CollectionType, DatasetRef, Timespan

from lsst.ts.calibrations.domain.instruments import Instrument

from ..cameras.models import DetectorModel, detector_model
from ..pipelines.calibration_types import CALIBRATION_TYPES
from ..pipelines.new_repository import calibration_type, certify_camera_model, create_repository
from .calibrations import CombinedCalibration
from .outcomes import register_dataset_types

__all__ = ["make_template"]


def make_template(
    path: Path,
    instrument: Instrument,
    detectors: Sequence[int],
    *,
    seed: int,
    scale: int,
    filters: Sequence[tuple[str, str]],
    registry: Mapping[str, str] | None = None,
) -> None:
    """Make a repository with the collections of the simulated observatory's reference calibrations.

    Parameters
    ----------
    path
        Where; its name has no dot.
    instrument, detectors, seed, scale
        Whose calibrations, and properties of the simulated detectors.
    filters
        Physical filter and band of each reference flat.
    registry
        As for `create_repository`.
    """
    create_repository(str(path), [instrument.name], registry)
    calibrations = instrument.calibration_collection
    with Butler.from_config(str(path), writeable=True) as butler:
        register_dataset_types(butler)
        for name, band in filters:
            record = {"instrument": instrument.name, "name": name, "band": band}
            butler.registry.syncDimensionData("physical_filter", record)
        run, certified = f"{calibrations}/reference/run", f"{calibrations}/reference"
        butler.collections.register(run)
        butler.collections.register(certified, CollectionType.CALIBRATION)
        for number in detectors:
            model = detector_model(instrument.name, number, scale)
            certify_camera_model(
                butler, model, run=f"{calibrations}/camera/run", collection=f"{calibrations}/camera"
            )
            refs = list(_references(butler, model, seed, [name for name, _ in filters], run))
            butler.registry.certify(certified, refs, Timespan(None, None))
        butler.collections.register(calibrations, CollectionType.CHAINED)
        butler.collections.redefine_chain(calibrations, [certified, f"{calibrations}/camera"])


def _references(
    butler: Butler, model: DetectorModel, seed: int, filters: Sequence[str], run: str
) -> Iterator[DatasetRef]:
    """Put the reference calibrations of a detector, one of each type or one for each filter."""
    data_id = {"instrument": model.instrument, "detector": model.id}
    for kind in CALIBRATION_TYPES.values():
        dataset_type = calibration_type(butler, kind.dataset_type)
        made = CombinedCalibration(kind, model, seed).make()
        for more in [{"physical_filter": each} for each in filters] if kind.each_filter else [{}]:
            yield butler.put(made, dataset_type, {**data_id, **more}, run=run)
