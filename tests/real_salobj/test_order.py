"""Events that are written at the same time: none is missed, though salobj drops what was overtaken."""

from __future__ import annotations

import asyncio
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.auxtel import MakeLatissCalibrations
from lsst.ts.calibrations.components.clients import Clients
from lsst.ts.calibrations.domain.instruments import LSSTCOMCAM

pytestmark = [pytest.mark.timeout(300), pytest.mark.usefixtures("topics")]

LINES = 200


async def test_salobj_writes_log_records_by_the_event_that_its_controller_has() -> None:
    """`OrderedEvent` depends on it: the script puts one in the place of its ``evt_logMessage``."""
    heard: list[str] = []

    async def set_write(**fields: Any) -> None:
        heard.append(fields["message"])

    controller: Any = SimpleNamespace(salinfo=SimpleNamespace(running=True))
    handler = salobj.SalLogHandler(controller)  # type: ignore[attr-defined]  # of the real one alone
    controller.evt_logMessage = SimpleNamespace(set_write=set_write)
    handler.emit(logging.LogRecord("log", logging.INFO, "", 0, "a line", (), None))
    await asyncio.gather(*handler.futures)
    assert heard == ["a line"]


async def test_no_line_of_the_log_is_lost_and_they_come_in_their_order() -> None:
    heard: list[str] = []

    async def take(data: Any) -> None:
        heard.append(data.message)

    async with salobj.Domain() as domain, salobj.Remote(domain, "Script", 7, evt_max_history=0) as remote:
        remote.evt_logMessage.callback = take
        script = MakeLatissCalibrations(index=7)
        await script.start_task
        for number in range(LINES):
            script.log.info("line %d", number)
        await script.close()
        async with asyncio.timeout(30):
            while f"line {LINES - 1}" not in heard:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
    assert [each for each in heard if each.startswith("line")] == [f"line {n}" for n in range(LINES)]


async def test_detectors_whose_events_were_overtaken_are_confirmed_all_the_same() -> None:
    """`Clients` depends on ``discard_out_of_order_events`` of salobj's remotes."""
    async with salobj.Domain() as domain, salobj.Controller("CCOODS") as oods:
        clients = Clients(LSSTCOMCAM, domain, logging.getLogger("client"))
        await clients.start()
        stamps = iter(range(len(LSSTCOMCAM.detectors), 0, -1))
        prepare = oods.evt_imageInOODS._prepare_data_to_write

        def prepare_earlier() -> Any:
            data = prepare()
            data.private_sndStamp -= 100.0 - next(stamps)
            return data

        oods.evt_imageInOODS._prepare_data_to_write = prepare_earlier
        for name in LSSTCOMCAM.detectors.values():
            raft, sensor = name.split("_")
            await oods.evt_imageInOODS.set_write(
                camera="LSSTComCam", obsid="CC_O_20250115_000001", raft=raft, sensor=sensor, force_output=True
            )
        names = LSSTCOMCAM.detectors.values()
        await clients.ingest.confirmed("CC_O_20250115_000001", names, timeout=20)
