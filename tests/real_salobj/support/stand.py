"""A camera and an OCPS without pixels and pipelines on the bus, until standard input is closed.

Started as ``python stand.py simulated|mock FOLDER [FAULT ...]``: ``simulated`` is the project's own camera
with spectrograph, header service and OODS, ``mock`` the LATISSMock of ts_observatory_control.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy

from lsst.ts.calibrations.adapters.sal import State, current_tai
from lsst.ts.calibrations.domain.camera import detector_model
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.simulation.butler_ingest import ButlerIngest
from lsst.ts.calibrations.simulation.cscs.ocps import Ocps
from lsst.ts.calibrations.simulation.detector.exposure import write_raw
from lsst.ts.calibrations.simulation.detector.header import primary_header
from lsst.ts.calibrations.simulation.durations import Durations
from lsst.ts.calibrations.simulation.faults import Faults
from lsst.ts.calibrations.simulation.machinery import Machinery
from lsst.ts.calibrations.simulation.observatory import SimulatedObservatory
from lsst.ts.calibrations.simulation.paced_loop import PacedLoop

SPEED = 20.0


def _load(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


CANNED = _load("canned", Path(__file__).parents[2] / "conftest.py")


class Pipelines(CANNED.CannedPipelines):  # type: ignore[misc, name-defined]
    """Canned pipelines that also combine: a calibration of few pixels."""

    def results(self, job: Any) -> dict[str, dict[tuple[int, ...], Any]]:
        if job.kind != "generate":
            return super().results(job)  # type: ignore[no-any-return]
        _combine(self.repository, job)
        return {}


def _combine(repository: Path, job: Any) -> None:
    from lsst.daf.butler import Butler, DatasetType

    from lsst.ts.calibrations.pipelines.images import DetectorImage

    pixels = numpy.zeros((4, 4), dtype=numpy.float32)
    image = DetectorImage(pixels, numpy.zeros((4, 4), dtype=numpy.uint16), {})
    data_id = {"instrument": LATISS.name, "detector": 0}
    run = f"{job.collection}/run"
    with Butler.from_config(str(repository), writeable=True) as butler:
        if job.calibration == "FLAT":
            exposure = CANNED._exposures(job)[0]
            (record,) = butler.query_dimension_records("exposure", instrument=LATISS.name, exposure=exposure)
            data_id["physical_filter"] = record.physical_filter
        dataset_type = DatasetType(
            job.calibration.lower(),
            tuple(data_id),
            "CalibrationImage",
            universe=butler.dimensions,
            isCalibration=True,
        )
        butler.registry.registerDatasetType(dataset_type)
        butler.collections.register(run)
        butler.put(image, dataset_type, data_id, run=run)


@contextlib.asynccontextmanager
async def simulated(folder: Path, faults: list[str]) -> AsyncIterator[None]:
    """The project's own components."""
    machinery = Machinery(
        ButlerIngest(folder / "repo"),
        Pipelines(folder / "repo"),
        make_pixels=CANNED.no_pixels,
        processes=0,
    )
    async with SimulatedObservatory(
        LATISS, machinery, images=folder / "images", jobs=folder / "uws", scale=16, faults=Faults(faults)
    ):
        yield


@contextlib.asynccontextmanager
async def mock(folder: Path, _: list[str]) -> AsyncIterator[None]:
    """LATISSMock of ts_observatory_control, and the project's OCPS."""
    from lsst.ts.observatory.control.mock import latiss_mock

    latiss_mock.index_gen = (f"{number:06d}" for number in range(1, 100_000))
    ocps = Ocps(
        LATISS,
        folder=folder / "uws",
        run_job=Pipelines(folder / "repo"),
        durations=Durations(),
        rng=numpy.random.default_rng(1),
        faults=Faults(),
        initial_state=State.ENABLED,
    )
    async with latiss_mock.LATISSMock() as latiss, ocps:
        latiss.readout_time = 0.1
        await latiss.start_task
        await _enable(latiss)
        archiver = _Archiver(latiss, folder)
        for event in (latiss.atcam.evt_startIntegration, latiss.atcam.evt_endReadout):
            event.set_write = _renaming(event, archiver.rename)
        latiss.atheaderservice.evt_largeFileObjectAvailable.write = archiver.archive
        yield


async def _enable(latiss: Any) -> None:
    for controller in vars(latiss.controllers).values():
        await controller.evt_summaryState.set_write(summaryState=State.ENABLED)
    spectrograph = latiss.atspec
    await spectrograph.evt_reportedFilterPosition.set_write(slot=2, name="SDSSr_65mm", band="r")
    await spectrograph.evt_reportedDisperserPosition.set_write(slot=0, name="empty_1", band="EMPTY")
    await spectrograph.evt_reportedLinearStagePosition.set_write(position=67.0)


def _renaming(event: Any, rename: Any) -> Any:
    """The names that the mock gives to images are none of LATISS; give them those."""
    write = type(event).set_write

    async def set_write(*, imageName: str, **fields: Any) -> Any:  # noqa: N803
        return await write(event, imageName=rename(imageName, fields), **fields)

    return set_write


class _Archiver:
    """The OODS that LATISSMock does not have: a raw file of every image in the Butler, and its event."""

    def __init__(self, latiss: Any, folder: Path) -> None:
        self._latiss = latiss
        self._folder = folder
        self._ingest = ButlerIngest(folder / "repo")
        self._image = ""
        self._keys: dict[str, str] = {}

    def rename(self, name: str, fields: dict[str, Any]) -> str:
        *_, day, number = name.split("_")
        self._image = f"AT_O_{day}_{number}"
        if keys := fields.get("additionalKeys"):
            self._keys = dict(zip(keys.split(":"), fields["additionalValues"].split(":"), strict=False))
        return self._image

    async def archive(self) -> None:
        name, keys = self._image, self._keys
        await asyncio.to_thread(self._store, name, keys)
        await self._latiss.atoods.evt_imageInOODS.set_write(
            camera="LATISS",
            obsid=name,
            raft="undef",
            sensor="RXX_S00",
            statusCode=0,
            description="file ingested",
            force_output=True,
        )

    def _store(self, name: str, keys: dict[str, str]) -> None:
        model = detector_model("LATISS", 0, 16)
        header = primary_header(
            model=model,
            image_name=name,
            day_obs=int(name.split("_")[2]),
            seq_num=int(name[-6:]),
            image_type=keys.get("imageType", "BIAS"),
            exposure_time=1.0,
            dark_time=1.0,
            begin_tai=current_tai() - 3,
            end_tai=current_tai() - 2,
            shutter_time=1.0,
            controller="O",
            group_id=name,
            program="",
            reason="",
            test_type="",
            note="",
            current_index=1,
            max_index=1,
            image_tag="",
            seed=1,
            filter_name="SDSSr_65mm",
            filter_band="r",
            filter_slot=2,
            grating="empty_1",
            grating_band="EMPTY",
            grating_slot=0,
            linear_stage=67.0,
        )
        segments = self._folder / f"{name}.segments"
        segments.touch()
        path = self._folder / f"{name}.fits"
        write_raw(str(path), header, str(segments))
        self._ingest(path)


async def main(camera: str, folder: Path, faults: list[str]) -> None:
    loop = asyncio.get_running_loop()
    ended = loop.run_in_executor(None, sys.stdin.read)
    async with {"simulated": simulated, "mock": mock}[camera](folder, faults):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        print("READY", flush=True)
        await ended


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=lambda: PacedLoop(current_tai(), SPEED)) as runner:
        runner.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
