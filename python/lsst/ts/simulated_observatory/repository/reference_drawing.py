"""Draws reference calibrations of some detectors, and stores them in a repository of their own."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from concurrent.futures import Executor, Future, as_completed
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler

from ..cameras import CAMERAS
from ..detector.workers import make_workers
from ..pipelines.calibration_types import CALIBRATION_TYPES
from ..pipelines.new_repository import calibration_type
from .calibration_repository import certify, chain_calibrations, new_repository
from .drawn_detector import DrawnCalibrations, draw_calibrations, measure_pair, pipeline_task
from .reference import ReferenceRequest
from .reference_exposures import reference_exposures

__all__ = ["draw_reference"]

PROCESSES = 2
"""Processes that draw."""


def draw_reference(
    request: ReferenceRequest, folder: Path, say: Callable[[str], None], check: Callable[[], None]
) -> Path:
    """Draw reference calibrations.

    Parameters
    ----------
    request, folder
        Which ones, and an empty folder for all that this needs.
    say, check
        Called with what is going on, and where nothing is half done that would stay.

    Returns
    -------
    repository
        In the folder.
    """
    workers = make_workers(PROCESSES)
    try:
        levels = _draw(request, folder, workers, say, check)
    finally:  # an interrupt does not wait for what has not begun
        workers.shutdown(cancel_futures=True)
    norm = pipeline_task("cpFlat.yaml", "cpFlatNorm")
    (scale,) = norm.run(levels=list(levels.values()), detectors=list(levels)).scales["EXPOSURES"].values()
    kept, calibrations = folder / "kept", request.instrument.calibration_collection
    run, optics = f"{calibrations}/reference/run", request.optics
    with new_repository(kept, request, f"{calibrations}/camera") as butler:
        band = CAMERAS[request.instrument.name].find_filter(optics.filter).band.lower()
        record = {"instrument": request.instrument.name, "name": optics.physical_filter, "band": band}
        butler.registry.syncDimensionData("physical_filter", record)
        butler.collections.register(run)
        for detector in request.detectors:
            check()
            _store(butler, request, detector, _load(folder, detector), scale, run)
        certify(butler, list(butler.query_all_datasets(run, find_first=False)), f"{calibrations}/reference")
        chain_calibrations(butler, calibrations)
    return kept


def _draw(
    request: ReferenceRequest,
    folder: Path,
    workers: Executor,
    say: Callable[[str], None],
    check: Callable[[], None],
) -> dict[int, dict[str, Any]]:
    """Draw the calibrations of all detectors into files; return the levels of their flats."""
    flats = sum(each.use == "ptc" for each in reference_exposures(request))
    measured: dict[int, list[Future[Any]]] = {
        detector: [workers.submit(measure_pair, request, detector, number) for number in range(flats // 2)]
        for detector in request.detectors
    }
    pending = {}
    for detector, futures in measured.items():
        pairs = []
        for future in futures:
            pairs.append(future.result())
            check()
        pending[workers.submit(_draw_into_file, request, detector, pairs, folder)] = detector
    levels = {}
    for done, future in enumerate(as_completed(pending), 1):
        levels[pending[future]] = future.result()
        check()
        if len(pending) > 1 and (done % 10 == 0 or done == len(pending)):
            say(f"  reference calibrations: {done} of {len(pending)} detectors")
    return {detector: levels[detector] for detector in request.detectors}


def _draw_into_file(
    request: ReferenceRequest, detector: int, pairs: list[Any], folder: Path
) -> dict[str, Any]:
    """Draw the calibrations of a detector; return the level of its flat."""
    drawn = draw_calibrations(request, detector, pairs)
    with (folder / f"{detector}.pickle").open("wb") as file:
        pickle.dump(drawn, file, protocol=pickle.HIGHEST_PROTOCOL)
    return drawn.level


def _load(folder: Path, detector: int) -> DrawnCalibrations:
    path = folder / f"{detector}.pickle"
    drawn: DrawnCalibrations = pickle.loads(path.read_bytes())  # noqa: S301, this process made it
    path.unlink()
    return drawn


def _store(
    butler: Butler, request: ReferenceRequest, detector: int, drawn: DrawnCalibrations, scale: float, run: str
) -> None:
    """Put the calibrations of a detector into the repository."""
    made = {**drawn.calibrations, "flat": drawn.normalised_flat(scale)}
    for kind in CALIBRATION_TYPES.values():
        data_id: dict[str, Any] = {"instrument": request.instrument.name, "detector": detector}
        if kind.each_filter:
            data_id["physical_filter"] = request.optics.physical_filter
        butler.put(made[kind.dataset_type], calibration_type(butler, kind.dataset_type), data_id, run=run)
