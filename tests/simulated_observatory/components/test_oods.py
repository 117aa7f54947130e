"""The simulated OODS ingests what the camera writes and says so for every detector."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCOMCAM
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


def of_event(data: Any) -> tuple[Any, ...]:
    return data.camera, data.obsid, data.raft, data.sensor, data.statusCode, data.description


def test_a_file_that_the_butler_refuses_is_published_with_numbers_in_the_place_of_names(
    observe: Any, stand_ins: Any
) -> None:
    stand_ins.ingest_error = OSError("database is locked")

    async def body() -> None:
        async with observe(instrument=LSSTCOMCAM, detectors=[4], stand_ins=stand_ins) as here:
            await take(here, 1)
            (data,) = (data for data in here.recorder.events("imageInOODS") if data.statusCode)
            words = "ingest failure: database is locked"
            assert of_event(data) == ("LSSTComCam", "2025011500001", "R??", "S04", 1, words)

    clock.run(body)


def test_a_file_without_a_usable_header_is_published_without_any_name(observe: Any, stand_ins: Any) -> None:
    stand_ins.ingest_error = ValueError("its header has no 'INSTRUME'")

    async def body() -> None:
        async with observe(stand_ins=stand_ins) as here:
            await take(here, 1)
            (data,) = here.recorder.events("imageInOODS")
            words = "metadata failure: its header has no 'INSTRUME'"
            assert of_event(data) == ("UNDEF", "??", "R??", "S??", 2, words)

    clock.run(body)


def test_of_an_exception_with_a_cause_the_cause_is_published_twice(observe: Any, stand_ins: Any) -> None:
    stand_ins.ingest_error = OSError("refused")
    stand_ins.ingest_error.__cause__ = OSError("disk full")

    async def body() -> None:
        async with observe(stand_ins=stand_ins) as here:
            await take(here, 1)
            (data,) = here.recorder.events("imageInOODS")
            assert data.description == "ingest failure: disk full;  disk full"

    clock.run(body)


@pytest.mark.parametrize(
    ("fault", "event", "ingested"),
    [
        ("oods-status", ("LATISS", "2025011500001", "R??", "S00", 1), 0),
        ("oods-overtaken", ("LATISS", "2025011500001", "R??", "S00", 1), 1),
        ("oods-metadata", ("UNDEF", "??", "R??", "S??", 2), 0),
        ("oods-nameless", ("", "", "", "", 0), 1),
    ],
)
def test_a_fault_of_the_ingest_is_published_as_the_real_one_does(
    observe: Any, fault: str, event: tuple[Any, ...], ingested: int
) -> None:
    async def body() -> None:
        async with observe(f"{fault}:image=1") as here:
            await take(here, 2)
            first, second = here.recorder.events("imageInOODS")
            assert of_event(first)[:-1] == event
            assert of_event(second)[1:5] == ("AT_O_20250115_000002", "undef", "RXX_S00", 0)
            assert len(here.stand_ins.ingested) == 1 + ingested
            assert here.observatory.faults.struck == {fault: 1}

    clock.run(body)


def test_a_file_that_was_put_away_is_not_tried_again(observe: Any, stand_ins: Any) -> None:
    stand_ins.ingest_error = OSError("database is locked")

    async def body() -> None:
        async with observe(stand_ins=stand_ins) as here:
            await take(here, 1)
            assert not list(here.observatory.images.unfinished())

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
