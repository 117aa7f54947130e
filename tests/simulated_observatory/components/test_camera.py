"""The simulated camera behaves as a client of the real one expects."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.components.camera import IDLE_BEFORE
from lsst.ts.simulated_observatory.components.camera_events import CommandState, RaftsState, ShutterState
from lsst.ts.simulated_observatory.components.images import split_escaped

NOON = 1736942400.0  # 2025-01-15T12:00:00 TAI, when the observing day begins


def test_flat_is_published_event_by_event_at_the_right_times(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.take_images(1, 5.0, "FLAT")
            ended = here.recorder.now()
            await asyncio.sleep(30)
            assert ended == 6.0, "5 s and the shutter; the readout goes on"
            outcome = [
                (when, event)
                for when, component, event, _ in here.recorder.recording
                if component == "ATCamera" and not event.endswith("State")
            ]
            assert outcome == [
                (0.0, "startIntegration"),
                (0.0, "startShutterOpen"),
                (0.5, "endShutterOpen"),
                (5.5, "startShutterClose"),
                (6.0, "endShutterClose"),
                (6.0, "endTakeImage"),
                (6.0, "startReadout"),
                (8.0, "endReadout"),
                (8.0, "endOfImageTelemetry"),
            ]

    clock.run(body)


def test_states_follow_the_image(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.take_images(1, 5.0, "FLAT")
            await asyncio.sleep(30)

            def substates(event: str) -> list[tuple[float, int]]:
                return list(
                    zip(
                        here.recorder.times(event),
                        [data.substate for data in here.recorder.events(event)],
                        strict=True,
                    )
                )

            assert substates("ccsCommandState") == [(0.0, CommandState.BUSY), (6.0, CommandState.IDLE)]
            assert substates("raftsDetailedState") == [
                (0.0, RaftsState.INTEGRATING),
                (6.0, RaftsState.READING_OUT),
                (8.0, RaftsState.QUIESCENT),
            ]
            assert [state for _, state in substates("shutterDetailedState")] == [
                ShutterState.OPENING,
                ShutterState.OPEN,
                ShutterState.CLOSING,
                ShutterState.CLOSED,
            ]

    clock.run(body)


def test_command_state_is_idle_before_the_command_completes(observe: Any) -> None:
    """LATISS.take_imgtype loses 5 s per image with a camera that says IDLE late."""

    async def body() -> None:
        async with observe() as here:
            assert here.recorder.camera.evt_ccsCommandState.get().substate == CommandState.IDLE
            await here.recorder.take_images(1, 1.0, "DARK")
            assert here.recorder.camera.evt_ccsCommandState.get().substate == CommandState.IDLE

    clock.run(body)


def test_bias_and_dark_leave_the_shutter_closed(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.take_images(1, 30.0, "DARK")
            assert here.recorder.now() == 30.0
            await asyncio.sleep(10)
            assert not here.recorder.events("startShutterOpen")
            (telemetry,) = here.recorder.events("endOfImageTelemetry")
            assert telemetry.measuredShutterOpenTime == 0.0
            assert telemetry.darkTime == pytest.approx(30.24)
            assert not here.stand_ins.pixels[0].shutter_open
            assert here.stand_ins.pixels[0].dark_time == telemetry.darkTime

    clock.run(body)


def test_names_count_within_the_observing_day(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            for _ in range(2):
                await here.recorder.take_images()
                await asyncio.sleep(10)
            names = [data.imageName for data in here.recorder.events("endReadout")]
            assert names == ["AT_O_20250114_000001", "AT_O_20250115_000001"]
            assert [data.imageDate for data in here.recorder.events("endReadout")] == ["20250114", "20250115"]

    clock.run(body, start_tai=NOON - 7.0)


def test_names_go_on_where_an_earlier_simulation_ended(observe: Any, tmp_path: Path) -> None:
    async def body() -> list[str]:
        async with observe(images=tmp_path / "kept") as here:
            await here.recorder.take_images(2)
            return [data.imageName[-6:] for data in here.recorder.events("startIntegration")]

    assert clock.run(body) == ["000001", "000002"]
    assert clock.run(body) == ["000003", "000004"]


def test_pixels_know_the_number_of_the_image_and_how_long_nothing_was_read_out(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.take_images(2, 0.0, "BIAS")
            await asyncio.sleep(100)
            await here.recorder.take_images(1, 5.0, "FLAT")
            await asyncio.sleep(30)
            first, second, third = here.stand_ins.pixels
            assert [each.image for each in (first, second, third)] == [1, 2, 3]
            assert first.idle >= IDLE_BEFORE
            assert second.idle == 0.0
            assert third.idle == pytest.approx(98.0)  # the readout takes 2 s

    clock.run(body)


def test_a_simulation_that_goes_on_has_not_been_idle(observe: Any, tmp_path: Path) -> None:
    async def body() -> None:
        earlier = tmp_path / "raw" / "20250115" / "AT_O_20250115_000003"
        earlier.mkdir(parents=True)
        async with observe() as here:
            await here.recorder.take_images(1, 0.0, "BIAS")
            await asyncio.sleep(30)
            assert here.stand_ins.pixels[-1].idle < 10.0

    clock.run(body)


def test_several_images_of_one_command_wait_for_each_readout(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.take_images(3, 5.0, "DARK")
            assert here.recorder.now() == 19.0, "3 x 5 s and two readouts between them"
            starts = here.recorder.events("startIntegration")
            assert here.recorder.times("startIntegration") == [0.0, 7.0, 14.0]
            assert [(data.imageIndex, data.imagesInSequence) for data in starts] == [(1, 3), (2, 3), (3, 3)]

    clock.run(body)


def test_keys_and_values_survive_colons(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.take_images(obsNote="a: b")
            (data,) = here.recorder.events("startIntegration")
            assert split_escaped(data.additionalKeys) == ["imageType", "groupId", "testType", "obsNote"]
            assert split_escaped(data.additionalValues) == [
                "BIAS",
                "2025-01-15T18:00:00.000",
                "BIAS",
                "a: b",
            ]

    clock.run(body)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"n": 0}, "numImages=0"),
        ({"n": 100_000}, "numImages=100000"),
        ({"exposure": -1.0}, "expTime=-1.0"),
        ({"exposure": float("nan")}, "expTime=nan"),
        ({"exposure": float("inf")}, "expTime=inf"),
        ({"exposure": 0.05, "image_type": "FLAT"}, "shutter needs at least 0.1 s"),
        ({"keyValueMap": "imageType: BIAS, reason: a, b"}, "'b' is not 'key: value'"),
    ],
)
def test_what_it_cannot_do_is_refused_and_nothing_is_exposed(
    observe: Any, fields: dict[str, Any], reason: str
) -> None:
    async def body() -> None:
        async with observe() as here:
            with pytest.raises(salobj.AckError) as refusal:
                await here.recorder.take_images(**fields)
            assert reason in refusal.value.ackcmd.result
            assert not here.recorder.recording

    clock.run(body)


@pytest.mark.parametrize(("after", "reason"), [(1.0, "another command"), (5.5, "being read out")])
def test_a_second_command_is_refused_while_an_image_is_taken(observe: Any, after: float, reason: str) -> None:
    async def body() -> None:
        async with observe() as here:
            first = asyncio.create_task(here.recorder.take_images(1, 5.0, "DARK"))
            await asyncio.sleep(after)
            with pytest.raises(salobj.AckError) as refusal:
                await here.recorder.take_images()
            assert reason in refusal.value.ackcmd.result
            await first
            await asyncio.sleep(10)
            assert len(here.recorder.events("endReadout")) == 1

    clock.run(body)


def test_the_next_image_may_begin_as_soon_as_the_readout_has_ended(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here, salobj.Domain() as domain:
            remote = salobj.Remote(domain, "ATCamera", include=["endReadout"], evt_max_history=0)
            await remote.start_task
            here.recorder.begin = asyncio.get_running_loop().time()
            for _ in range(3):
                await here.recorder.take_images()
                await remote.evt_endReadout.next(flush=False, timeout=10)
            assert here.recorder.times("startIntegration") == [0.0, 2.0, 4.0]

    clock.run(body)


def test_it_takes_no_images_unless_enabled(observe: Any) -> None:
    async def body() -> None:
        async with observe("component-state:component=ATCamera,state=STANDBY") as here:
            assert here.recorder.camera.evt_summaryState.get().summaryState == salobj.State.STANDBY
            with pytest.raises(salobj.AckError, match="STANDBY"):
                await here.recorder.take_images()

    clock.run(body)


def test_an_image_is_refused_by_its_number(observe: Any) -> None:
    async def body() -> None:
        async with observe("take-images-refused:image=2") as here:
            await here.recorder.take_images()
            await asyncio.sleep(5)
            with pytest.raises(salobj.AckError, match="take-images-refused"):
                await here.recorder.take_images()
            await here.recorder.take_images()
            assert here.observatory.faults.struck == {"take-images-refused": 1}

    clock.run(body)


def test_raw_file_gets_the_header_of_the_header_service(observe: Any) -> None:
    async def body() -> None:
        async with observe() as here:
            await here.recorder.take_images(1, 5.0, "FLAT", obsNote="lamp on")
            await asyncio.sleep(10)
            ((name, header),) = here.stand_ins.raws.items()
            assert name == "AT_O_20250115_000001_R00_S00.fits"
            expected = {
                "OBSID": "AT_O_20250115_000001",
                "IMGTYPE": "FLAT",
                "EXPTIME": 5.0,
                "DARKTIME": 6.24,
                "GROUPID": "2025-01-15T18:00:00.000",
                "FILTER": "SDSSr_65mm",
                "GRATING": "empty_1",
                "LINSPOS": 67.0,
                "OBSANNOT": "lamp on",
                "SIMULATE ATCAMERA": 1,
            }
            assert {key: header[key] for key in expected} == pytest.approx(expected)

    clock.run(body)


@pytest.mark.parametrize("fault", ["component-absent", "component-state"])
def test_without_header_service_the_file_has_no_header(observe: Any, fault: str) -> None:
    async def body() -> None:
        state = ",state=STANDBY" if fault == "component-state" else ""
        async with observe(f"{fault}:component=ATHeaderService{state}") as here:
            await here.recorder.take_images()
            await asyncio.sleep(30)
            assert list(here.stand_ins.raws.values()) == [{"OBSID": "AT_O_20250115_000001"}]

    clock.run(body)


def test_pixels_that_cannot_be_made_are_a_fault_of_the_camera(observe: Any, stand_ins: Any) -> None:
    stand_ins.pixel_error = OSError("No space left on device")

    async def body() -> None:
        async with observe(stand_ins=stand_ins) as here:
            await here.recorder.take_images()
            await asyncio.sleep(10)
            assert here.recorder.camera.evt_summaryState.get().summaryState == salobj.State.FAULT
            assert "No space left on device" in here.recorder.camera.evt_errorCode.get().errorReport
            assert not stand_ins.raws

    clock.run(body)


def test_announced_header_file_is_what_it_says(observe: Any) -> None:
    async def body() -> Any:
        async with observe() as here:
            await here.recorder.take_images()
            await asyncio.sleep(10)
            assert here.recorder.times("largeFileObjectAvailable") == [2.3]
            return here.recorder.events("largeFileObjectAvailable")

    (file,) = clock.run(body)
    assert file.id == "AT_O_20250115_000001"
    content = Path(file.url.removeprefix("file://")).read_bytes()
    assert len(content) == file.byteSize
    assert json.loads(content)["R00S00_PRIMARY"]["IMGTYPE"] == "BIAS"
