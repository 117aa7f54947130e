"""Butler repositories that the pipelines can work in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
from lsst.daf.butler import Butler, CollectionType, DatasetType, Timespan

from ..cameras.models import DetectorModel
from .calibration_types import CALIBRATION_TYPES
from .instruments import INSTRUMENTS
from .storage_classes import CROSSTALK, LINEARIZER, RAW, repository_config
from .tables import Crosstalk, Linearizer

__all__ = ["camera_tables", "certify_camera_model", "create_repository"]

_STORAGE_CLASSES = {
    **{each.dataset_type: each.storage_class for each in CALIBRATION_TYPES.values()},
    "crosstalk": CROSSTALK,
    "linearizer": LINEARIZER,
}
_EACH_FILTER = {each.dataset_type for each in CALIBRATION_TYPES.values() if each.each_filter}


def create_repository(
    path: str, instruments: Sequence[str] = ("LATISS",), registry: Mapping[str, str] | None = None
) -> None:
    """Make a Butler repository that the pipelines can work in.

    Parameters
    ----------
    path, instruments
        Directory, new or empty, and names of the instruments to register.
    registry
        Configuration of the registry; None: in a SQLite file in the directory.

    Raises
    ------
    ValueError
        The name of the directory has a dot, or an instrument is unknown.
    FileExistsError
        There is a repository already.
    """
    path = os.path.abspath(path)
    name = os.path.basename(path)
    if "." in name:
        # The Butler takes what follows a dot for the type of a configuration file.
        raise ValueError(
            f"a Butler repository cannot be made in {path}: choose a directory name without a dot"
        )
    unknown = [each for each in instruments if each not in INSTRUMENTS]
    if unknown:
        raise ValueError(f"unknown instruments {', '.join(unknown)}; known are {', '.join(INSTRUMENTS)}")
    config = repository_config()
    if registry is not None:
        config["registry"] = dict(registry)
    Butler.makeRepo(path, config=config)
    butler = Butler.from_config(path, writeable=True)
    for each in instruments:
        INSTRUMENTS[each]().register(butler.registry)
        butler.collections.register(INSTRUMENTS[each].description.raw_collection)
    raw = DatasetType("raw", ("instrument", "exposure", "detector"), RAW, universe=butler.dimensions)
    butler.registry.registerDatasetType(raw)
    for name in _STORAGE_CLASSES:
        butler.registry.registerDatasetType(calibration_type(butler, name))


def calibration_type(butler: Butler, name: str) -> DatasetType:
    """Dataset type of a calibration.

    Parameters
    ----------
    butler, name
        Of the repository and of the dataset type: one of the calibration types, crosstalk or linearizer.

    Returns
    -------
    dataset_type
        With storage class and dimensions.
    """
    dimensions = ["instrument", "detector", *(["physical_filter"] if name in _EACH_FILTER else [])]
    storage_class = _STORAGE_CLASSES[name]
    return DatasetType(name, dimensions, storage_class, universe=butler.dimensions, isCalibration=True)


def camera_tables(model: DetectorModel) -> dict[str, Crosstalk | Linearizer]:
    """Nominal crosstalk and linearity of a detector.

    Parameters
    ----------
    model
        Its camera model.

    Returns
    -------
    tables
        By dataset type.
    """
    # The inverse of s - k s^2 is to third order r + k r^2 + 2 k^2 r^3.
    factors = {each.name: each.sensor.nonlinearity for each in model.amplifiers}
    boxes = {each.name: (each.x0, each.y0, each.width, each.height) for each in model.amplifiers}
    # The Rubin software stack takes the amplifiers in the order of its camera model: C10 to C17, C07 to C00.
    names = [each.name for each in model.amplifiers]
    order = sorted(names, key=lambda name: (name[1] == "0", int(name[2]) * (-1 if name[1] == "0" else 1)))
    places = [names.index(name) for name in order]
    by_source = np.transpose(model.crosstalk)[np.ix_(places, places)].tolist()
    serial = {"LSST_NUM": model.data.serial}
    return {
        "crosstalk": Crosstalk(model.name, order, by_source, serial),
        "linearizer": Linearizer(
            model.name, {name: [k, 2.0 * k**2] for name, k in factors.items()}, boxes, serial
        ),
    }


def certify_camera_model(butler: Butler, model: DetectorModel, *, run: str, collection: str) -> None:
    """Store nominal crosstalk and linearity of a detector, and certify them without bounds.

    Parameters
    ----------
    butler, model
        Writeable; camera model of the detector.
    run, collection
        RUN and CALIBRATION collection to write to; made if they are not there.
    """
    butler.collections.register(run)
    butler.collections.register(collection, CollectionType.CALIBRATION)
    data_id = {"instrument": model.instrument, "detector": model.id}
    for name, table in camera_tables(model).items():
        ref = butler.put(table, calibration_type(butler, name), data_id, run=run)
        butler.registry.certify(collection, [ref], Timespan(None, None))
