"""The simulated components of an instrument as a service: prepared, started, ended."""

from __future__ import annotations

import asyncio
import logging
import shlex
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import click
from lsst.ts.utils import current_tai

from lsst.ts import salobj
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.errors import ConfigurationError
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, Instrument, exposure_id
from lsst.ts.calibrations.journal.settings import RunSettings

from ..faults.machine import MACHINE_FAULTS
from ..paced_loop import PacedLoop
from ..pipelines import PIPELINES
from .folders import new_folder
from .interrupts import ending_signals
from .night import afternoon
from .simulated_run import check_place
from .surroundings import Surroundings, SurroundingsError
from .surroundings_without_pixels import SurroundingsWithoutPixels

__all__ = ["SimulatorOptions", "simulate"]

LISTENING_TIME = 3.0
"""Seconds; three heartbeats of a component that is on the bus."""


@dataclass(frozen=True)
class SimulatorOptions:
    """Options of the command line.

    Parameters
    ----------
    folder
        For the repository, the images and the jobs.
    repository
        Simulated repository to keep; None for one inside the folder.
    scale, seed, collections, faults
        Of the simulated observatory.
    night
        Date of the images; None for the present time.
    speed
        Simulated seconds in one second.
    detectors
        Butler ids of those with pixels; None for those that the script uses by default.
    filters
        Filters of which there shall be a reference flat.
    without_pixels
        Whether images have no pixels and jobs no pipelines.
    """

    folder: Path
    repository: Path | None
    scale: int
    seed: int
    night: date | None
    speed: float
    detectors: tuple[int, ...] | None
    filters: tuple[str, ...]
    collections: tuple[str, ...]
    faults: tuple[str, ...]
    without_pixels: bool = False


def simulate(instrument_name: str, options: SimulatorOptions) -> int:
    """Run the components of an instrument until a signal ends them.

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
    places = [_surroundings(instrument, options, each) for each in (None, *options.filters)]
    _check(places[0])
    new_folder(options.folder)
    logging.basicConfig(
        filename=options.folder / "simulator.log", format="%(asctime)s %(levelname)-7s %(name)s %(message)s"
    )
    try:
        for place in places:
            place.prepare(_say)
    except SurroundingsError as error:
        _say(str(error))
        return 2
    _write_environment(places[0])
    now = current_tai() if options.night is None else afternoon(options.night)
    with asyncio.Runner(loop_factory=lambda: PacedLoop(now, options.speed)) as runner:
        return runner.run(_serve(places[0]))


def _surroundings(instrument: Instrument, options: SimulatorOptions, filter_: str | None) -> Surroundings:
    """Place and properties of the simulated observatory, with a reference flat of one filter."""
    asked: dict[str, object] = {} if filter_ is None else {"filter": filter_}
    if options.detectors is not None:
        asked["detectors"] = list(options.detectors)
    try:
        config = CalibrationConfig.from_namespace(asked, instrument)
    except ConfigurationError as error:
        raise click.UsageError(f"{error}. Nothing was touched.") from None
    kind = SurroundingsWithoutPixels if options.without_pixels else Surroundings
    return kind(
        instrument=instrument,
        config=replace(config, images={}),  # how many images there will be is not known
        settings=RunSettings(
            folder=options.folder,
            jobs=options.folder / "uws",
            repository=(options.repository or options.folder / "repo").absolute(),
            simulated=True,
            seed=options.seed,
            scale=options.scale,
            date=None if options.night is None else options.night.isoformat(),
            collections=options.collections,
            pipelines=PIPELINES,
        ),
        faults=options.faults,
    )


def _check(place: Surroundings) -> None:
    """Raise click.UsageError if the repository or a fault is not possible."""
    faults = check_place(place, "--repo").faults
    if names := [name for name in MACHINE_FAULTS if faults.asked_for(name)]:
        raise click.UsageError(
            f"--fault: {' and '.join(names)}: it would have to strike the machine of a script, and that is"
            " another one; bin/run_script can do that. Nothing was touched."
        )


def _write_environment(place: Surroundings) -> None:
    """Write what queues and scripts on the same bus need to find repository, jobs and pipelines."""
    variables = {
        "DAF_BUTLER_REPOSITORY_INDEX": place.index,
        "TS_CALIBRATIONS_UWS": place.settings.jobs,
        "TS_CALIBRATIONS_PIPELINES": place.settings.pipelines,
    }
    lines = [f"export {name}={shlex.quote(str(value))}\n" for name, value in variables.items()]
    (place.settings.folder / "environment.sh").write_text("".join(lines), encoding="utf-8")


async def _serve(place: Surroundings) -> int:
    """Start the components, wait for a signal, and stop them."""
    instrument = place.instrument
    names = [*instrument.components, f"OCPS:{instrument.ocps_index}"]
    there, last_image = await _look_around(names, instrument.oods)
    if there:
        _say(f"{', '.join(there)}: on this bus already. Nothing was started: a second one would answer, too.")
        return 2
    if last_image:
        place = _go_on_after(place, last_image)
    stop = asyncio.Event()
    async with place.observatory() as observatory:
        # Each component has set a handler of its own that ends nothing but itself.
        for number in ending_signals():
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        states = {name: csc.summary_state.name for name, csc in observatory.components.items()}
        for state in sorted(set(states.values())):
            _say(f"{state}: {', '.join(name for name in states if states[name] == state)}")
        _say(
            "Ready. Queues and scripts on this bus find the simulated repository with\n"
            f"  . {place.settings.folder / 'environment.sh'}\n"
            "SIGTERM or Ctrl-C ends the simulation."
        )
        if any(csc.done_task.done() for csc in observatory.components.values()):
            stop.set()  # the signal came while they started
        await stop.wait()
        _say("Ending: images that are not complete are dropped, jobs are stopped.")
        # All at once: each takes a second or two, and who sent the signal may not wait longer than ten.
        await asyncio.gather(*(csc.close() for csc in observatory.components.values()))
    _say("Ended.")
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


def _go_on_after(place: Surroundings, image: str) -> Surroundings:
    """Give no name of an image or a job twice.

    The bus still tells the last ones of an earlier simulation to every script that begins, which would take
    them for those of its own.
    """
    try:
        number = exposure_id(image)
    except ValueError:
        return place  # the bus had another camera
    (place.images / f"{number // 100_000}" / image).mkdir(parents=True, exist_ok=True)
    return replace(place, part=number)


def _say(text: str) -> None:
    click.echo(text)
