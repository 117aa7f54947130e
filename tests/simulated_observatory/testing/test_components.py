"""The components that a script meets in a test: all there, and recording what was asked of them."""

from __future__ import annotations

import asyncio
import importlib
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.control import RemoteGroup
from lsst.ts.simulated_observatory.faults.faults import FaultError
from lsst.ts.simulated_observatory.testing import SimulatedComponents, StandIns


def run_check(check: Callable[[SimulatedComponents, salobj.Domain], Awaitable[None]], **kwargs: Any) -> None:
    """Run a coroutine function with components."""

    async def main() -> None:
        components = SimulatedComponents(**kwargs)
        await components.start_task
        async with salobj.Domain() as domain:
            await check(components, domain)
        await components.close()

    clock.run(main)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_all_components_of_an_instrument_are_enabled(instrument: str) -> None:
    about = INSTRUMENTS[instrument]

    async def check(_: SimulatedComponents, domain: salobj.Domain) -> None:
        async with RemoteGroup([*about.components, f"OCPS:{about.ocps_index}"], domain=domain) as group:
            await group.assert_all_enabled()

    run_check(check, instrument=instrument, detectors=[0])


def test_an_image_is_taken_and_told_of_without_pixels() -> None:
    async def check(components: SimulatedComponents, domain: salobj.Domain) -> None:
        async with salobj.Remote(domain, "ATCamera") as camera, salobj.Remote(domain, "ATOODS") as oods:
            await camera.cmd_takeImages.set_start(
                numImages=1, expTime=5, shutter=True, keyValueMap="imageType: FLAT, groupId: g"
            )
            image = await oods.evt_imageInOODS.next(flush=False, timeout=60)
        assert (image.obsid, image.statusCode) == ("AT_O_20250115_000001", 0)
        (exposure,) = components.stand_ins.exposures
        assert (exposure.exposure_time, exposure.shutter_open) == (5, True)
        (file,) = components.stand_ins.ingested
        assert file.name == "AT_O_20250115_000001_R00_S00.fits"
        assert not file.exists()

    run_check(check)


@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_job_is_remembered_and_ends_as_it_is_told(exit_code: int) -> None:
    async def check(components: SimulatedComponents, domain: salobj.Domain) -> None:
        async with salobj.Remote(domain, "OCPS", 1) as ocps:
            submitted = await ocps.cmd_execute.set_start(
                pipeline="pipeline.yaml",
                version="",
                config="-c isr:doDark=False",
                data_query="instrument='LATISS' AND detector=0 AND exposure IN (1, 2)",
                wait_done=False,
            )
            result = await ocps.evt_job_result.next(flush=False, timeout=600)
        assert (result.job_id, result.exit_code) == (json.loads(submitted.result)["job_id"], exit_code)
        (job,) = components.stand_ins.jobs
        assert (job.pipeline, job.config) == ("pipeline.yaml", "-c isr:doDark=False")

    run_check(check, stand_ins=StandIns(exit_code=exit_code))


def test_components_have_the_faults_of_the_command() -> None:
    async def check(_: SimulatedComponents, domain: salobj.Domain) -> None:
        async with salobj.Remote(domain, "OCPS", 1) as ocps:
            assert (await ocps.evt_summaryState.aget(timeout=5)).summaryState == salobj.State.FAULT

    run_check(check, faults=["component-state:component=OCPS,state=FAULT"])


def test_a_fault_that_is_none_is_refused() -> None:
    async def main() -> None:
        SimulatedComponents(faults=["earthquake"])

    with pytest.raises(FaultError, match="earthquake"):
        clock.run(main)


def test_components_never_go_on_the_bus_of_the_observatory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lsst.ts.salobj", importlib.import_module("json"))  # a package on disk

    async def main() -> None:
        SimulatedComponents()

    with pytest.raises(RuntimeError, match=r"call use_embedded_sal\(\)"):
        clock.run(main)


def test_components_that_have_not_started_can_be_closed() -> None:
    async def main() -> None:
        components = SimulatedComponents()
        await components.close()
        assert components.start_task.cancelled()
        assert len(asyncio.all_tasks()) == 1

    clock.run(main)
