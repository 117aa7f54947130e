"""The simulated components of an instrument as a service: prepared, started, ended."""

from __future__ import annotations

import asyncio
import logging
import shlex
from contextlib import ExitStack
from dataclasses import replace

import click
from lsst.ts.utils import current_tai

from lsst.ts import salobj
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.errors import ConfigurationError
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, Instrument, exposure_id

from ..clock import PacedLoop
from ..components.image_folder import ImageFolder
from ..faults.machine import MACHINE_FAULTS
from .checks import new_folder
from .interrupts import ending_signals
from .request import ServiceRequest, afternoon
from .setup import SetupError, SetupWithoutPixels, SimulationSetup
from .simulated_run import alone, check_setup

__all__ = ["simulate"]

LISTENING_TIME = 3.0
"""Seconds; three heartbeats of a component that is on the bus."""


def simulate(instrument_name: str, request: ServiceRequest) -> int:
    """Run the components of an instrument until a signal ends them.

    Parameters
    ----------
    instrument_name, request
        Name of the instrument in the Butler, and what was asked for.

    Returns
    -------
    status
        0, or 2 when nothing was started.

    Raises
    ------
    click.UsageError
        The repository cannot be used, or an option is not possible; nothing was touched.
    """
    instrument = INSTRUMENTS[instrument_name]
    setups = [_make_setup(instrument, request, each) for each in (None, *request.filters)]
    _check(setups[0])
    new_folder(request.folder)
    logging.basicConfig(
        filename=request.folder / "simulator.log", format="%(asctime)s %(levelname)-7s %(name)s %(message)s"
    )
    with ExitStack() as held:
        try:
            for setup in setups:
                setup.prepare(click.echo)
            held.enter_context(alone(setups[0]))
        except SetupError as error:
            click.echo(str(error))
            return 2
        _write_environment(setups[0])
        now = current_tai() if request.night is None else afternoon(request.night)
        with asyncio.Runner(loop_factory=lambda: PacedLoop(now, request.speed)) as runner:
            return runner.run(_serve(setups[0]))


def _make_setup(instrument: Instrument, request: ServiceRequest, filter_: str | None) -> SimulationSetup:
    """Decide on place and properties of the simulated observatory, with a reference flat of one filter."""
    asked: dict[str, object] = {} if filter_ is None else {"filter": filter_}
    if request.detectors is not None:
        asked["detectors"] = list(request.detectors)
    try:
        config = CalibrationConfig.from_namespace(asked, instrument)
    except ConfigurationError as error:
        raise click.UsageError(f"{error}. Nothing was touched.") from None
    repository = request.kept_repository() or request.folder / "repo"
    kind = SetupWithoutPixels if request.without_pixels else SimulationSetup
    return kind(
        instrument=instrument,
        config=replace(config, images={}),  # how many images there will be is not known
        settings=request.settings(repository.absolute(), request.night),
        faults=request.faults,
        batch=request.batch,
        database=request.database,
    )


def _check(setup: SimulationSetup) -> None:
    """Raise click.UsageError if the repository or a fault is not possible."""
    faults = check_setup(setup, "--repo").faults
    if names := [name for name in MACHINE_FAULTS if faults.asked_for(name)]:
        raise click.UsageError(
            f"--fault: {' and '.join(names)}: this acts on the process of the script, and only"
            " bin/run_script can do that. Nothing was touched."
        )


def _write_environment(setup: SimulationSetup) -> None:
    """Write what queues and scripts on the same bus need to find repository, jobs and pipelines."""
    variables = {
        "DAF_BUTLER_REPOSITORY_INDEX": setup.index,
        "TS_CALIBRATIONS_UWS": setup.settings.jobs,
        "TS_CALIBRATIONS_PIPELINES": setup.settings.pipelines,
    }
    lines = [f"export {name}={shlex.quote(str(value))}\n" for name, value in variables.items()]
    (setup.settings.folder / "environment.sh").write_text("".join(lines), encoding="utf-8")


async def _serve(setup: SimulationSetup) -> int:
    """Start the components, wait for a signal, and stop them."""
    instrument = setup.instrument
    names = [*instrument.components, f"OCPS:{instrument.ocps_index}"]
    there, last_image = await _look_around(names, instrument.oods)
    if there:
        click.echo(
            f"{', '.join(there)}: on this bus already. Nothing was started: commands would be answered twice."
        )
        return 2
    if last_image:
        setup = _go_on_after(setup, last_image)
    ImageFolder(setup.images, instrument.code).forget_incomplete()  # of a simulation that was killed
    stop = asyncio.Event()
    async with setup.observatory() as observatory:
        # Each component has set a handler of its own that ends nothing but itself.
        for number in ending_signals():
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        states = {name: csc.summary_state.name for name, csc in observatory.components.items()}
        for state in sorted(set(states.values())):
            click.echo(f"{state}: {', '.join(name for name in states if states[name] == state)}")
        click.echo(
            "Ready. Queues and scripts on this bus find the simulated repository with\n"
            f"  . {setup.settings.folder / 'environment.sh'}\n"
            "SIGTERM or Ctrl-C ends the simulation."
        )
        if any(csc.done_task.done() for csc in observatory.components.values()):
            stop.set()  # the signal came while they started
        await stop.wait()
        click.echo("Ending: images that are not complete are dropped, jobs are stopped.")
        # All at once: each takes a second or two, and who sent the signal may not wait longer than ten.
        await asyncio.gather(*(csc.close() for csc in observatory.components.values()))
    click.echo("Ended.")
    return 0


async def _look_around(names: list[str], oods: str) -> tuple[list[str], str]:
    """Names of the components whose heartbeat is heard on the bus, and of the last image ingested there."""
    async with salobj.Domain() as domain:
        remotes = {}
        for name in names:
            component, _, index = name.partition(":")
            events = ["heartbeat", *(["imageInOODS"] if name == oods else [])]
            remotes[name] = salobj.Remote(domain, component, int(index or 0), include=events, readonly=True)
        await asyncio.gather(*(remote.start_task for remote in remotes.values()))
        heard = await asyncio.gather(
            *(remote.evt_heartbeat.next(flush=True, timeout=LISTENING_TIME) for remote in remotes.values()),
            return_exceptions=True,
        )
        last = remotes[oods].evt_imageInOODS.get()
    there = [name for name, beat in zip(names, heard, strict=True) if not isinstance(beat, BaseException)]
    return there, "" if last is None else str(last.obsid)


def _go_on_after(setup: SimulationSetup, image: str) -> SimulationSetup:
    """Give no name of an image or a job twice.

    The bus still delivers the last ones of an earlier simulation to every script that begins, which would
    take them for its own.
    """
    try:
        number = exposure_id(image)
    except ValueError:
        return setup  # the bus had another camera
    (setup.images / f"{number // 100_000}" / image).mkdir(parents=True, exist_ok=True)
    return replace(setup, part=number)
