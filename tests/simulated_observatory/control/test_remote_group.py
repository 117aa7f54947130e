"""A group of components: states and heartbeats."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.control import RemoteGroup
from lsst.ts.simulated_observatory.embedded_sal import State


def test_names_of_remotes_are_attributes() -> None:
    async def main() -> None:
        async with RemoteGroup(["ATCamera", "OCPS:2"], intended_usage=8) as group:
            assert group.components == ["ATCamera", "OCPS:2"]
            assert group.components_attr == ["atcamera", "ocps_2"]
            assert group.rem.ocps_2.salinfo.index == 2

    clock.run(main)


def test_a_domain_that_was_given_stays_open() -> None:
    async def main() -> None:
        async with salobj.Domain() as domain:
            async with RemoteGroup(["ATCamera"], domain=domain):
                pass
            assert domain.isopen
            own = RemoteGroup(["ATCamera"])
            await own.close()
            assert not own.domain.isopen

    clock.run(main)


def test_all_components_go_from_standby_to_enabled_and_back(run_check: Any) -> None:
    async def check(components: Any) -> None:
        group = components.latiss
        with pytest.raises(AssertionError, match=r"atcamera.*atspectrograph.*Cannot take images"):
            await group.assert_all_enabled("Cannot take images")
        await group.enable({"atcamera": "night.yaml"})
        await group.assert_all_enabled()
        assert [component.summary_state for component in components.components] == [State.ENABLED] * 4
        await group.set_state(State.DISABLED)
        await group.standby()
        assert await group.get_state("atoods") == State.STANDBY

    run_check(check, State.STANDBY)


def test_components_that_are_not_checked_do_not_count(
    run_check: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def check(components: Any) -> None:
        group = components.latiss
        await components.oods.fault(1, "no Butler")
        with pytest.raises(AssertionError, match="atoods"):
            await group.assert_all_enabled()
        group.disable_checks_for_components(["ATOODS", "ATDome"])
        await group.assert_all_enabled()
        await group.set_state(State.DISABLED)
        assert components.oods.summary_state == State.FAULT
        group.reset_checks()
        assert group.components_to_check() == group.components_attr

    run_check(check)
    assert any("'ATDome' is not one of" in message for message in caplog.messages)


def test_a_component_that_does_not_follow_is_named(run_check: Any) -> None:
    async def check(components: Any) -> None:
        await components.oods.close()
        with pytest.raises(RuntimeError, match=r"Failed to transition \['atoods'\] to <State.ENABLED"):
            await components.latiss.enable()
        assert components.camera.summary_state == State.ENABLED
        with pytest.raises(RuntimeError, match="not in group"):
            await components.latiss.enable({"atdome": ""})
        with pytest.raises(RuntimeError, match="not part of the group"):
            await components.latiss.set_state(State.ENABLED, components=["atdome"])

    run_check(check, State.STANDBY)


def test_the_state_of_a_silent_component_is_not_known() -> None:
    async def main() -> None:
        async with RemoteGroup(["ATOODS"]) as group:
            assert await group.get_state("atoods", ignore_timeout=True) is None
            with pytest.raises(TimeoutError, match="is it running"):
                await group.get_state("atoods")
            with pytest.raises(AssertionError, match=r"No heartbeat from \['atoods'\]"):
                await group.assert_liveliness()
            with pytest.raises(TimeoutError):
                await group.get_heartbeat("atoods")

    clock.run(main)


def test_heartbeats_show_that_all_are_alive(run_check: Any) -> None:
    async def check(components: Any) -> None:
        await components.latiss.assert_liveliness()
        beat = await components.latiss.next_heartbeat("atcamera")
        assert await components.latiss.get_heartbeat("atcamera") is beat

    run_check(check)


def test_leaving_the_state_ends_the_watch(run_check: Any) -> None:
    async def check(components: Any) -> None:
        watch = asyncio.create_task(components.latiss.check_component_state("atcamera"))
        await asyncio.sleep(10)
        assert not watch.done()
        await components.camera.fault(1, "no vacuum")
        with pytest.raises(
            RuntimeError, match=r"atcamera state is <State.FAULT: 3>, expected <State.ENABLED: 2>"
        ):
            await watch

    run_check(check)
