"""The simulated OODS ingests what the camera writes and says so for every detector."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory import clock

THREE = dataclasses.replace(LATISS, detectors={0: "RXX_S00", 1: "R22_S11", 2: "R22_S12"})


async def take(here: Any, n: int) -> None:
    for _ in range(n):
        await here.recorder.take_images()
        await asyncio.sleep(2.1)
    await asyncio.sleep(20)


def test_an_image_is_confirmed_a_few_seconds_after_its_readout(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await take(here, 1)
            (data,) = here.recorder.events("imageInOODS")
            assert (data.camera, data.obsid, data.raft, data.sensor, data.statusCode, data.description) == (
                "LATISS",
                "AT_O_20250115_000001",
                "undef",
                "RXX_S00",
                0,
                "file ingested",
            )
            assert 2.0 + 2.5 + 2.0 <= here.recorder.times("imageInOODS")[0] <= 2.0 + 2.5 + 5.0
            assert [path.name for path in here.stand_ins.ingested] == ["AT_O_20250115_000001_R00_S00.fits"]
        assert here.stand_ins.closed

    clock.run(body)


def test_several_images_are_under_way_at_a_time(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await take(here, 6)
            readouts, ingests = here.recorder.times("endReadout"), here.recorder.times("imageInOODS")
            assert sum(ingest > readouts[2] for ingest in ingests[:2]) == 2
            assert {data.obsid[-1] for data in here.recorder.events("imageInOODS")} == set("123456")

    clock.run(body)


def test_events_come_for_all_detectors_and_pixels_only_for_those_in_use(observe: Any) -> None:
    async def body() -> None:
        async with observe(instrument=THREE, detectors=[0]) as here:
            await take(here, 1)
            outcome = {(data.raft, data.sensor) for data in here.recorder.events("imageInOODS")}
            assert outcome == {("undef", "RXX_S00"), ("R22", "S11"), ("R22", "S12")}
            assert [request.detector for request in here.stand_ins.pixels] == [0]
            assert len(here.stand_ins.ingested) == 1

    clock.run(body)


def test_a_file_that_cannot_be_ingested_has_a_status(observe: Any, stand_ins: Any) -> None:
    stand_ins.ingest_error = ValueError("its header has no 'INSTRUME'")

    async def body() -> None:
        async with observe(stand_ins=stand_ins) as here:
            await take(here, 1)
            (data,) = here.recorder.events("imageInOODS")
            assert data.statusCode == 1
            assert data.description == "ingest failed: its header has no 'INSTRUME'"

    clock.run(body)


@pytest.mark.parametrize("state", ["DISABLED", "STANDBY"])
def test_it_ingests_unless_in_standby(observe: Any, state: str) -> None:
    async def body() -> None:
        async with observe(f"component-state:component=ATOODS,state={state}") as here:
            await take(here, 1)
            assert len(here.recorder.events("imageInOODS")) == (state == "DISABLED")

    clock.run(body)


def test_lost_event_is_lost_but_the_file_is_there(observe: Any) -> None:
    async def body() -> None:
        async with observe("oods-lost:image=2") as here:
            await take(here, 3)
            assert {data.obsid[-1] for data in here.recorder.events("imageInOODS")} == {"1", "3"}
            assert len(here.stand_ins.ingested) == 3

    clock.run(body)


def test_status_that_was_asked_for_strikes_as_often_as_asked(observe: Any) -> None:
    async def body() -> None:
        async with observe("oods-status:code=7,detector=RXX_S00,times=2") as here:
            await take(here, 3)
            assert sorted(data.statusCode for data in here.recorder.events("imageInOODS")) == [0, 7, 7]
            assert len(here.stand_ins.ingested) == 1
            assert here.observatory.faults.struck == {"oods-status": 2}

    clock.run(body)
