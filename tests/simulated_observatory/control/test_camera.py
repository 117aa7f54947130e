"""Taking images: the conversation with the camera, image after image."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.control import LATISS, CameraExposure

FIRST_IMAGE = 30.0 + 5.0
"""How long is waited for a camera that has never taken an image, nor published that it is idle (s)."""


def test_a_sequence_takes_one_command_for_each_image(run_check: Any) -> None:
    async def check(components: Any) -> None:
        ids = await components.latiss.take_darks(5.0, 3, group_id="g", reason="test", program="BLOCK-1")
        assert ids == [2025011500001, 2025011500002, 2025011500003]
        commands = [data for _, data in components.camera.taken]
        assert {data.numImages for data in commands} == {1}
        fields = {(data.expTime, data.shutter, data.sensors, data.obsNote) for data in commands}
        assert fields == {(5.0, False, "", "")}
        assert commands[0].keyValueMap == (
            "imageType: DARK, groupId: g, testType: DARK, "
            "stutterRows: 0, stutterNShifts: 0, stutterDelay: 0.0, reason: test, program: BLOCK-1"
        )

    run_check(check)


def test_the_next_image_waits_for_the_readout_of_the_last(run_check: Any) -> None:
    async def check(components: Any) -> None:
        await components.latiss.take_darks(5.0, 3)
        begun = [time for time, _ in components.camera.taken]
        assert begun == [FIRST_IMAGE, FIRST_IMAGE + 7, FIRST_IMAGE + 14]

    run_check(check)


def test_the_id_is_known_before_the_readout_has_ended(run_check: Any) -> None:
    async def check(components: Any) -> None:
        await components.latiss.take_bias(1)
        ends = components.latiss.camera.evt_endReadout
        assert ends.get() is None
        await ends.next(flush=False, timeout=3)

    run_check(check)


def test_a_bias_has_no_exposure_time_and_a_closed_shutter(
    run_check: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def check(components: Any) -> None:
        await components.latiss.take_imgtype("BIAS", 30.0, 1, test_type="daily", note="cloudy")
        assert "Image type is BIAS, ignoring exptime." not in caplog.messages
        exposure = CameraExposure(exp_time=3.0, shutter=False, image_type="BIAS", group_id="g", n=1)
        await components.latiss.expose(exposure)
        assert "Image type is BIAS, ignoring exptime." in caplog.messages
        for _, data in components.camera.taken:
            assert (data.expTime, data.shutter) == (0.0, False)
        first = components.camera.taken[0][1]
        assert "testType: daily" in first.keyValueMap
        assert first.obsNote == "cloudy"

    run_check(check)


def test_a_flat_sets_up_the_instrument_first_and_opens_the_shutter(run_check: Any) -> None:
    async def check(components: Any) -> None:
        await components.latiss.take_flats(1.0, 2, filter="SDSSr_65mm", grating=2)
        assert [move[1:] for move in components.spectrograph.moves] == [
            ("filter", {"filter": 0, "name": "SDSSr_65mm"}),
            ("grating", {"disperser": 2, "name": ""}),
        ]
        assert components.camera.taken[0][0] >= 3
        assert all(data.shutter for _, data in components.camera.taken)

    run_check(check)


def test_biases_and_darks_leave_the_instrument_as_it_is(run_check: Any) -> None:
    async def check(components: Any) -> None:
        await components.latiss.take_darks(1.0, 1, filter="SDSSr_65mm")
        assert components.spectrograph.moves == []

    run_check(check)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"imgtype": "FLAT", "exptime": 0.05}, "Minimum allowed open-shutter exposure time is 0.1"),
        ({"imgtype": "SKYFLAT", "exptime": 1.0}, "Invalid imgtype:SKYFLAT"),
        ({"imgtype": "FLAT", "exptime": 1.0, "filtre": 1}, "Invalid argument filtre"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_moves(
    run_check: Any, arguments: dict[str, Any], error: str
) -> None:
    async def check(components: Any) -> None:
        with pytest.raises(RuntimeError, match=error):
            await components.latiss.take_imgtype(n=1, **arguments)
        assert components.camera.taken == []

    run_check(check)


def test_a_checkpoint_is_called_before_the_images(run_check: Any) -> None:
    async def check(components: Any) -> None:
        called = []

        async def checkpoint(name: str) -> None:
            called.append((name, len(components.camera.taken)))

        await components.latiss.take_bias(2, checkpoint=checkpoint)
        assert called == [("Expose 2 BIAS", 0)]

    run_check(check)


def test_a_group_is_named_by_the_time_unless_it_has_a_name(run_check: Any) -> None:
    async def check(components: Any) -> None:
        await components.latiss.take_bias(1)
        assert "groupId: 2025-01-15T18:00:00.000," in components.camera.taken[0][1].keyValueMap

    run_check(check)


def test_images_that_are_asked_for_at_the_same_time_are_taken_one_after_the_other(run_check: Any) -> None:
    async def check(components: Any) -> None:
        ids = await asyncio.gather(components.latiss.take_darks(5.0, 1), components.latiss.take_darks(8.0, 1))
        assert list(ids) == [[2025011500001], [2025011500002]]
        assert [data.expTime for _, data in components.camera.taken] == [5.0, 8.0]

    run_check(check)


def test_an_image_that_someone_else_took_is_not_taken_for_ours(run_check: Any) -> None:
    async def check(components: Any) -> None:
        async with LATISS() as other:
            await other.take_darks(5.0, 2)
            assert await components.latiss.take_darks(5.0, 1) == [2025011500003]

    run_check(check)


def test_readouts_of_images_of_others_do_not_pile_up(
    run_check: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def check(components: Any) -> None:
        for _ in range(105):
            await components.camera.evt_endReadout.set_write(imageName="x", force_output=True)
        await components.latiss.take_darks(5.0, 2)

    run_check(check)
    assert not any("dropped" in message for message in caplog.messages)


def test_snaps_are_images_of_one_command(run_check: Any) -> None:
    async def check(components: Any) -> None:
        ids = await components.latiss.take_imgtype("DARK", 5.0, n=2, n_snaps=2)
        assert ids == [2025011500001, 2025011500002, 2025011500003, 2025011500004]
        assert [data.numImages for _, data in components.camera.taken] == [2, 2]

    run_check(check)


def test_a_lost_readout_is_waited_for_without_end(run_check: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def check(components: Any) -> None:
        await components.latiss.take_darks(5.0, 1)
        await asyncio.sleep(10)
        components.camera.omitted.add("endReadout")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1000):
                await components.latiss.take_darks(5.0, 2)
        assert len(components.camera.taken) == 2

    run_check(check)
    lost = "No endReadout of AT_O_20250115_000002 in 42.0 s; waiting on."
    assert caplog.messages.count(lost) == (1000 - 5) // 42


def test_a_camera_that_does_not_say_whether_it_is_idle_costs_five_seconds(run_check: Any) -> None:
    async def check(components: Any) -> None:
        components.camera.omitted.add("ccsCommandState")
        await components.latiss.take_darks(5.0, 2)
        first, second = (time for time, _ in components.camera.taken)
        assert second - first == 5 + 2 + 5

    run_check(check)


def test_an_image_that_never_begins_is_an_error(run_check: Any) -> None:
    async def check(components: Any) -> None:
        components.camera.omitted.add("startIntegration")
        with pytest.raises(RuntimeError, match=r"endReadout event. Expected 1 got 0"):  # as the real one
            await components.latiss.take_darks(5.0, 1)

    run_check(check)


def test_a_camera_that_refuses_or_keeps_silent_is_an_error(run_check: Any) -> None:
    async def refuses(components: Any) -> None:
        with pytest.raises(salobj.AckError, match="Not allowed in state"):
            await components.latiss.take_bias(1)

    run_check(refuses, salobj.State.DISABLED)

    async def silent(components: Any) -> None:
        await components.camera.close()
        begun = clock.current_tai()
        with pytest.raises(salobj.AckTimeoutError):
            await components.latiss.take_darks(10.0, 2)
        assert clock.current_tai() - begun == FIRST_IMAGE + (10 + 2) * 2 + 120

    run_check(silent)
