"""LATISSMock of ts_observatory_control beside the project's OCPS, until standard input is closed.

Started as ``python mock_stand.py FOLDER``. What LATISSMock has not is added: the names of LATISS, an OODS
with a repository behind it, and time that goes as fast as that of the simulated components.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy
from lsst.ts.observatory.control.mock import latiss_mock
from lsst.ts.utils import current_tai

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.clock import PacedLoop
from lsst.ts.simulated_observatory.components.durations import Durations
from lsst.ts.simulated_observatory.components.machinery import Machinery
from lsst.ts.simulated_observatory.components.ocps import Ocps
from lsst.ts.simulated_observatory.detector.header import primary_header
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.repository.repository import write_index
from lsst.ts.simulated_observatory.stand_ins.machinery import standin_machinery
from lsst.ts.simulated_observatory.stand_ins.measurements import StandInCamera
from lsst.ts.simulated_observatory.stand_ins.template import make_template

SPEED = 20.0
SCALE, SEED = 16, 1
FILTER, BAND = "SDSSr_65mm", "r"


@contextlib.asynccontextmanager
async def mock(folder: Path) -> AsyncIterator[None]:
    """Camera, spectrograph, header service and OODS of the mock, and the OCPS."""
    machinery = standin_machinery(LATISS, folder / "repo", StandInCamera(SEED), scale=SCALE)
    ocps = Ocps(
        LATISS,
        folder=folder / "uws",
        run_job=machinery.run_job,
        durations=Durations(),
        rng=numpy.random.default_rng(1),
        faults=Faults(),
        initial_state=salobj.State.ENABLED,
    )
    async with latiss_mock.LATISSMock() as latiss, ocps:
        await latiss.start_task
        await _enable(latiss)
        archiver = _Archiver(latiss, folder, machinery)
        for event in (latiss.atcam.evt_startIntegration, latiss.atcam.evt_endReadout):
            event.set_write = _renaming(event, archiver.rename)
        latiss.atheaderservice.evt_largeFileObjectAvailable.write = archiver.archive
        yield


def _make_repository(folder: Path) -> None:
    folder.mkdir()
    repository, filters = folder / "repo", [(f"{FILTER}~empty", BAND)]
    make_template(repository, LATISS, [0], seed=SEED, scale=SCALE, filters=filters)
    write_index(folder / "butler-index.yaml", repository, {LATISS.repository})


def _hurry() -> None:
    """Let the mock's exposures and readouts take less time, and number its images as LATISS does."""

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)

    latiss_mock.asyncio = SimpleNamespace(**{**vars(asyncio), "sleep": sleep})
    latiss_mock.index_gen = (f"{number:06d}" for number in range(1, 100_000))


async def _enable(latiss: Any) -> None:
    for controller in vars(latiss.controllers).values():
        await controller.evt_summaryState.set_write(summaryState=salobj.State.ENABLED)
    await latiss.atcam.evt_ccsCommandState.set_write(substate=1)  # without it the client waits 5 s per image
    spectrograph = latiss.atspec
    await spectrograph.evt_reportedFilterPosition.set_write(slot=2, name=FILTER, band=BAND)
    await spectrograph.evt_reportedDisperserPosition.set_write(slot=0, name="empty_1", band="EMPTY")
    await spectrograph.evt_reportedLinearStagePosition.set_write(position=67.0)


def _renaming(event: Any, rename: Any) -> Any:
    """The names that the mock gives to images are none of LATISS; give them those."""
    write = type(event).set_write

    async def set_write(*, imageName: str, **fields: Any) -> Any:  # noqa: N803
        return await write(event, imageName=rename(imageName, fields), **fields)

    return set_write


class _Archiver:
    """The OODS that LATISSMock does not have: the header of every image in the Butler, and its event."""

    def __init__(self, latiss: Any, folder: Path, machinery: Machinery) -> None:
        self._latiss = latiss
        self._folder = folder
        self._ingest = machinery.ingest
        self._write_raw = machinery.write_raw
        self._thread = ThreadPoolExecutor(max_workers=1)  # of a Butler
        self._image = ""
        self._keys: dict[str, str] = {}

    def rename(self, name: str, fields: dict[str, Any]) -> str:
        *_, day, number = name.split("_")
        renamed = f"AT_O_{day}_{number}"
        if keys := fields.get(
            "additionalKeys"
        ):  # it is read out; the next one may begin before it is archived
            self._image = renamed
            names, texts = keys.split(":"), fields["additionalValues"].split(":")
            at, more = names.index("groupId"), len(texts) - len(names)
            texts[at : at + more + 1] = [":".join(texts[at : at + more + 1])]  # the mock escapes no colon
            self._keys = dict(zip(names, texts, strict=True))
        return renamed

    async def archive(self) -> None:
        name = self._image
        loop, time = asyncio.get_running_loop(), self._latiss.exptime_list[-1]
        await loop.run_in_executor(self._thread, self._store, name, self._keys, time)
        await self._latiss.atoods.evt_imageInOODS.set_write(
            camera="LATISS",
            obsid=name,
            raft="undef",
            sensor="RXX_S00",
            statusCode=0,
            description="file ingested",
            force_output=True,
        )

    def _store(self, name: str, keys: dict[str, str], exposure_time: float) -> None:
        header = primary_header(
            model=detector_model("LATISS", 0, SCALE),
            image_name=name,
            image_type=keys.get("imageType", "BIAS"),
            exposure_time=exposure_time,
            dark_time=exposure_time,
            begin_tai=current_tai() - exposure_time,
            end_tai=current_tai(),
            shutter_time=exposure_time,
            seed=SEED,
            keywords={
                "GROUPID": keys.get("groupId", name),
                "FILTER": FILTER,
                "FILTBAND": BAND,
                "FILTSLOT": 2,
                "GRATING": "empty_1",
                "GRATBAND": "EMPTY",
                "GRATSLOT": 0,
                "LINSPOS": 67.0,
            },
        )
        path = self._folder / f"{name}.fits"
        self._write_raw(str(path), header, "")
        self._ingest(path)


async def main(folder: Path) -> None:
    loop = asyncio.get_running_loop()
    ended = loop.run_in_executor(None, sys.stdin.read)
    _make_repository(folder)
    _hurry()
    async with mock(folder):
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
        print("READY", flush=True)
        await ended


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=lambda: PacedLoop(current_tai(), SPEED)) as runner:
        runner.run(main(Path(sys.argv[1])))
