"""Draws reference calibrations of some detectors, and stores them in a repository of their own."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
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


DRAWING = 15
"""Pairs of flats that take as long as all else that is drawn of a detector."""


def draw_reference(
    request: ReferenceRequest,
    folder: Path,
    say: Callable[[str], None],
    check: Callable[[], None],
    tell: Callable[[float], None] = lambda _: None,
) -> Path:
    """Draw reference calibrations.

    What is drawn of a detector is kept in the cache: after an interruption, and for other sets of detectors,
    only the others are drawn.

    Parameters
    ----------
    request, folder
        Which ones, and an empty folder for the repository.
    say, check
        Called with what is going on, and where nothing is half done that would stay.
    tell
        Called with the share of the work that is done.

    Returns
    -------
    repository
        In the folder.
    """
    exposures = len(reference_exposures(request))
    parts = {each: request.part(each, exposures) for each in request.detectors}
    missing = {each: path for each, path in parts.items() if not path.exists()}
    what = f"of {len(missing)} of {len(request.detectors)} detectors " if len(request.detectors) > 1 else ""
    if missing:
        say(f"Drawing the reference calibrations {what}(once for this scale, seed and filter)...")
    workers = make_workers(PROCESSES)
    try:
        _draw(request, missing, workers, say, check, tell)
    finally:  # an interrupt does not wait for what has not begun
        workers.shutdown(cancel_futures=True)
    levels = {detector: next(_load(path)) for detector, path in parts.items()}
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
            _, drawn = _load(parts[detector])
            _store(butler, request, detector, drawn, scale, run)
        certify(butler, list(butler.query_all_datasets(run, find_first=False)), f"{calibrations}/reference")
        chain_calibrations(butler, calibrations)
    if len(request.instrument.detectors) == 1:  # no other set has it
        for path in parts.values():
            shutil.rmtree(path.parent, ignore_errors=True)
    return kept


def _draw(
    request: ReferenceRequest,
    parts: Mapping[int, Path],
    workers: Executor,
    say: Callable[[str], None],
    check: Callable[[], None],
    tell: Callable[[float], None],
) -> None:
    """Draw the calibrations of some detectors, each into its file."""
    flats = sum(each.use == "ptc" for each in reference_exposures(request))
    done, all_of_it = 0, len(parts) * (flats // 2 + DRAWING)

    def go_on(steps: int) -> None:
        nonlocal done
        done += steps
        tell(done / all_of_it)
        check()

    def measure(detector: int) -> list[Future[Any]]:
        return [workers.submit(measure_pair, request, detector, number) for number in range(flats // 2)]

    drawing, detectors = [], list(parts)
    ahead = [measure(each) for each in detectors[:1]]  # of one detector more: the workers always have work
    for place, detector in enumerate(detectors):
        ahead += map(measure, detectors[place + 1 : place + 2])
        pairs = []
        for future in ahead.pop(0):
            pairs.append(future.result())
            go_on(1)
        drawing.append(workers.submit(_draw_into_file, request, detector, pairs, parts[detector]))
    for number, drawn in enumerate(drawing, 1):
        drawn.result()
        go_on(DRAWING)
        if len(drawing) > 1 and (number % 10 == 0 or number == len(drawing)):
            say(f"  reference calibrations: {number} of {len(drawing)} detectors")


def _draw_into_file(request: ReferenceRequest, detector: int, pairs: list[Any], path: Path) -> None:
    """Draw the calibrations of a detector into a file, which is there when it is complete."""
    drawn = draw_calibrations(request, detector, pairs)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(f".{os.getpid()}")
    with beside.open("wb") as file:
        for each in (drawn.level, drawn):
            pickle.dump(each, file, protocol=pickle.HIGHEST_PROTOCOL)
    beside.replace(path)


def _load(path: Path) -> Iterator[Any]:
    """Load what a file has: the level of the flat, and then all calibrations."""
    with path.open("rb") as file:
        for _ in range(2):
            yield pickle.load(file)  # noqa: S301, this module wrote it


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
