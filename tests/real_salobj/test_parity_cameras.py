"""What the classes for cameras send: those of ts_observatory_control, and the embedded ones."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from parity import LIMIT, Play

from lsst.ts import salobj
from lsst.ts.calibrations.components.camera import Camera, camera_class
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, ImageType

pytestmark = pytest.mark.timeout(300)


class Instrument:
    """A camera, and a spectrograph perhaps, that note which commands they get."""

    def __init__(self, *names: str) -> None:
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.controllers = [salobj.Controller(name) for name in names]
        self.camera = self.controllers[0]
        self._number = 0
        for controller in self.controllers:
            for name in controller.salinfo.command_names:
                getattr(controller, f"cmd_{name}").callback = self._note(name)
        self.camera.cmd_takeImages.callback = self._take_images

    async def start(self) -> None:
        await asyncio.gather(*(controller.start_task for controller in self.controllers))
        await self._publish_image()
        await self.camera.evt_ccsCommandState.set_write(substate=1)

    async def close(self) -> None:
        await asyncio.gather(*(controller.close() for controller in self.controllers))

    def _note(self, name: str) -> Any:
        async def note(data: Any) -> None:
            fields = {
                key: value
                for key, value in vars(data).items()
                if not key.startswith("private_") and value and key != "salIndex"
            }
            self.commands.append((name, fields))
            if name == "setFilter":
                await self.camera.evt_endSetFilter.set_write(filterName=data.name, force_output=True)

        return note

    async def _take_images(self, data: Any) -> None:
        await self._note("takeImages")(data)
        await self.camera.evt_ccsCommandState.set_write(substate=2)
        for _ in range(data.numImages):
            await self._publish_image()
        await self.camera.evt_ccsCommandState.set_write(substate=1)

    async def _publish_image(self) -> None:
        name = f"AT_O_20250115_{self._number:06d}"
        self._number += 1
        await self.camera.evt_startIntegration.set_write(imageName=name)
        await self.camera.evt_endReadout.set_write(imageName=name)


def _limits(command: Any) -> list[float]:
    """Time limits with which a command is sent from now on."""
    limits, start = list[float](), command.start

    async def spy(*args: Any, timeout: float = -1.0, **kwargs: Any) -> Any:
        limits.append(timeout)
        return await start(*args, timeout=timeout, **kwargs)

    command.start = spy
    return limits


@contextlib.asynccontextmanager
async def instrument(name: str, *components: str) -> AsyncIterator[tuple[Instrument, Any]]:
    made = Instrument(*components)
    await made.start()
    async with salobj.Domain() as domain:
        client = camera_class(INSTRUMENTS[name])(domain=domain, log=logging.getLogger("client"))
        await client.start_task
        try:
            yield made, client
        finally:
            await made.close()


KEYS = "imageType: {kind}, groupId: G, testType: {test}, stutterRows: 0, stutterNShifts: 0, stutterDelay: 0.0"


def test_the_commands_that_latiss_gets(play: Play) -> None:
    async def story() -> None:
        async with instrument("LATISS", "ATCamera", "ATSpectrograph") as (latiss, client):
            limits = _limits(client.camera.cmd_takeImages)
            moves = _limits(client.rem.atspectrograph.cmd_changeFilter)
            await client.setup_instrument(filter="SDSSr_65mm", grating=2, linear_stage=5)
            assert sorted(latiss.commands) == [
                ("changeDisperser", {"disperser": 2}),
                ("changeFilter", {"name": "SDSSr_65mm"}),
                ("moveLinearStage", {"distanceFromHome": 5.0}),
            ]
            assert moves == [30.0]
            await client.setup_instrument(filter=1, grating="2")
            assert sorted(latiss.commands[3:]) == [
                ("changeDisperser", {"name": "2"}),
                ("changeFilter", {"filter": 1}),
            ]
            latiss.commands.clear()

            ids = await client.take_imgtype(
                "BIAS", 5.0, 2, group_id="G", reason="why", program="P", note="quiet", test_type="T"
            )
            assert ids == [2025011500001, 2025011500002]
            keys = KEYS.format(kind="BIAS", test="T") + ", reason: why, program: P"
            assert (
                latiss.commands
                == [("takeImages", {"numImages": 1, "keyValueMap": keys, "obsNote": "quiet"})] * 2
            )
            assert limits == [2 * 2.0 + 120.0] * 2
            latiss.commands.clear()

            checkpoints: list[tuple[str, int]] = []

            async def checkpoint(name: str) -> None:
                checkpoints.append((name, len(latiss.commands)))

            ids = await client.take_imgtype(
                "FLAT", 0.5, 1, n_snaps=2, group_id="G", sensors="R22", filter=2, checkpoint=checkpoint
            )
            assert ids == [2025011500003, 2025011500004]
            assert checkpoints == [("Expose 1 FLAT", 1)]
            image = {"numImages": 2, "expTime": 0.5, "shutter": True}
            assert latiss.commands == [
                ("changeFilter", {"filter": 2}),
                ("takeImages", {**image, "keyValueMap": KEYS.format(kind="FLAT", test="FLAT")}),
            ]
            assert limits[2:] == [0.5 + 2.0 + 120.0]
            latiss.commands.clear()
            await client.take_darks(3.0, 1, group_id="G")
            assert latiss.commands == [
                (
                    "takeImages",
                    {"numImages": 1, "expTime": 3.0, "keyValueMap": KEYS.format(kind="DARK", test="DARK")},
                )
            ]
            for wrong in (
                client.take_imgtype("NONE", 1.0, 1),
                client.take_imgtype("FLAT", 0.01, 1, group_id="G"),
                client.take_flats(1.0, 1, colour="red"),
                client.setup_instrument(colour="red"),
            ):
                with pytest.raises(RuntimeError):
                    await wrong

    play(story)


@pytest.mark.parametrize(("name", "camera"), [("LSSTComCam", "CCCamera"), ("LSSTCam", "MTCamera")])
def test_the_commands_that_a_camera_with_filters_gets(play: Play, name: str, camera: str) -> None:
    async def story() -> None:
        async with instrument(name, camera) as (mock, client):
            await mock.camera.evt_endSetFilter.set_write(filterName="r_03")
            await mock.camera.evt_availableFilters.set_write(filterNames="r_03:g_01")
            await client.camera.evt_endSetFilter.aget(timeout=LIMIT)
            assert await client.get_current_filter() == "r_03"
            assert await client.get_available_filters() == ["r_03", "g_01"]
            await client.setup_instrument(filter="r_03")
            assert mock.commands == []
            if name == "LSSTCam":
                with pytest.raises(RuntimeError, match="Cannot change the LSSTCam filter"):
                    await client.setup_instrument(filter="g_01")
            else:
                limits = _limits(client.camera.cmd_setFilter)
                await client.setup_instrument(filter="g_01")
                assert (mock.commands, limits) == ([("setFilter", {"name": "g_01"})], [60.0])
            mock.commands.clear()
            await client.take_imgtype("DARK", 1.0, 1, group_id="G", sensors="R22:R11")
            guiders = [mock.commands.pop(0)] if name == "LSSTCam" else []
            keys = KEYS.format(kind="DARK", test="DARK")
            assert mock.commands == [
                ("takeImages", {"numImages": 1, "expTime": 1.0, "keyValueMap": keys, "sensors": "R22:R11"})
            ]
            for command, fields in guiders:
                assert command == "initGuiders"
                assert fields["roiSpec"].startswith(
                    '{"common":{"rows":400,"cols":400,"integrationTimeMillis":200},'
                )
                assert fields["roiSpec"].endswith('"R44SG1":{"segment":0,"startRow":800,"startCol":56}}')
            mock.commands.clear()
            await client.take_bias(1, group_id="G")
            assert [command for command, _ in mock.commands] == ["takeImages"]

    play(story)


@pytest.mark.parametrize(
    ("name", "camera"), [("LATISS", "ATCamera"), ("LSSTComCam", "CCCamera"), ("LSSTCam", "MTCamera")]
)
def test_the_classes_send_take_images_by_their_public_property_camera(
    play: Play, name: str, camera: str
) -> None:
    """`Camera.asked` depends on it: when ``self.camera.cmd_takeImages.start`` was called."""
    asked: list[float | None] = []

    async def story() -> None:
        mock = Instrument(camera)
        take_images = mock.camera.cmd_takeImages.callback

        async def look(data: Any) -> None:
            asked.append(adapter.asked)
            await take_images(data)

        mock.camera.cmd_takeImages.callback = look
        await mock.start()
        async with salobj.Domain() as domain:
            adapter = Camera(INSTRUMENTS[name], domain, logging.getLogger("client"))
            await adapter.start()
            begin = asyncio.get_running_loop().time()
            try:
                await adapter.take(ImageType.DARK, 1.0, "G", {})
            finally:
                await mock.close()
            (sent,) = asked
            assert sent is not None
            assert begin <= sent <= asyncio.get_running_loop().time()

    play(story)
