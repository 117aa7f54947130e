"""Repositories that hold calibrations of a camera, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsst.daf.butler import Butler, CollectionType, DatasetRef, Timespan

from ..pipelines.new_repository import certify_camera_model, create_repository
from .reference import ReferenceRequest

__all__ = ["certify", "chain_calibrations", "new_repository"]


def new_repository(path: Path, request: ReferenceRequest, camera: str) -> Butler:
    """Make a repository with the camera model's crosstalk and linearity.

    Parameters
    ----------
    path, request
        Where, and for which detectors.
    camera
        Collection of these calibrations.

    Returns
    -------
    butler
        Writeable.
    """
    create_repository(str(path), [request.instrument.name])
    butler = Butler.from_config(str(path), writeable=True)
    for model in request.models:
        certify_camera_model(butler, model, run=f"{camera}/run", collection=camera)
    return butler


def certify(butler: Butler, refs: Sequence[DatasetRef], collection: str) -> None:
    """Certify calibrations without bounds.

    Parameters
    ----------
    butler, refs, collection
        Writeable; the calibrations; where.
    """
    butler.collections.register(collection, CollectionType.CALIBRATION)
    butler.registry.certify(collection, refs, Timespan(None, None))


def chain_calibrations(butler: Butler, calibrations: str) -> None:
    """Make the chained collection in which the calibrations of a camera are searched.

    Parameters
    ----------
    butler, calibrations
        Writeable; name of the collection.
    """
    butler.collections.register(calibrations, CollectionType.CHAINED)
    butler.collections.redefine_chain(calibrations, [f"{calibrations}/reference", f"{calibrations}/camera"])
