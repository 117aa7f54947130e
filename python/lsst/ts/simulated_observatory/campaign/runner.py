"""Runs scenarios, each life of a script in a process that is forked for it."""

from __future__ import annotations

import contextlib
import json
import math
import os
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, LATISS, LSSTCOMCAM, ImageType, Instrument

from ..stand_ins.measurements import Disturbance
from .room import check_room, open_room
from .scenario import Scenario
from .shelf import Certificate, certified_in, raws_in

if TYPE_CHECKING:
    from .open_butlers import OpenButlers

__all__ = ["Lived", "Workshop", "open_workshop"]

TEMPLATES = {
    LATISS.name: ((0,), (("SDSSr_65mm~empty", "r"),)),
    LSSTCOMCAM.name: ((0, 1, 2), (("r_03", "r"),)),
}
"""Detectors and filters of the reference calibrations."""


@dataclass
class Lived:
    """A scenario that was played, with what is needed to judge it.

    Parameters
    ----------
    scenario
        Which.
    folder
        Its files.
    lives
        What became of each life of the script; None for one that was killed.
    strikes
        How often each fault struck, by the number of the life.
    before
        What was certified in the repository when the scenario began.
    raws
        Exposure and detector of each raw image that it had when the run was resumed.
    refused
        Why the run could not be resumed; empty if it could, or was not to be.
    memory
        Bytes that the largest of its processes had.
    """

    scenario: Scenario
    folder: Path
    lives: list[Mapping[str, Any] | None]
    strikes: dict[int, Counter[str]] = field(default_factory=dict)
    before: frozenset[Certificate] = frozenset()
    raws: frozenset[tuple[int, int]] = frozenset()
    refused: str = ""
    memory: int = 0

    @property
    def struck(self) -> Counter[str]:
        """How often each fault struck."""
        return sum(self.strikes.values(), Counter[str]())


@dataclass(frozen=True)
class Workshop:
    """A place to play scenarios in.

    Parameters
    ----------
    folder
        Where.
    seat
        Of those who play at the same time.
    """

    folder: Path
    seat: int = 0

    def play(self, scenario: Scenario) -> Lived:
        """Play a scenario; its folder stays.

        Raises
        ------
        NoRoom
            There is no room for it.
        """
        check_room(self.folder)
        butlers = self.warm_up(scenario.instrument)
        folder = self._place
        template = self.folder / scenario.instrument.name
        _furnish(folder, template)
        lived = Lived(scenario, folder, [], before=certified_in(template))
        for number in range(2 if scenario.resumed else 1):
            if number:
                lived.raws = raws_in(folder / "run" / "repo")
            with butlers.lent():
                work = partial(self._live, lived, number)
                told, memory = _in_child(work, folder / f"life{number}.json")
            lived.lives.append(told)
            lived.strikes[number] = _strikes(folder, number)
            lived.memory = max(lived.memory, memory)
        if (last := lived.lives[-1]) is not None and last["refused"]:
            lived.refused = last["refused"]
            lived.lives.pop()
        return lived

    def warm_up(self, instrument: Instrument) -> OpenButlers:
        """Do what is done once, before the first scenario of an instrument at this seat.

        It is inherited by the processes that are forked later.
        """
        certified_in(self.folder / instrument.name)
        return _warm_up(self.folder, self._place, instrument.name)

    @property
    def _place(self) -> Path:
        """Folder of the scenarios at this seat, which come one after the other."""
        return self.folder / f"seat{self.seat}"

    @staticmethod
    def _live(lived: Lived, number: int) -> dict[str, Any]:
        from .life import live, prepare_process

        prepare_process(lived.folder / "stderr.txt")
        strikes = os.open(_told_of(lived.folder, number), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def write(name: str, times: int) -> None:
            os.write(strikes, f"{name} {times}\n".encode())

        return live(lived.scenario, lived.folder, number, write).as_dict()


def _told_of(folder: Path, number: int) -> Path:
    """File in which a life tells of the faults that strike."""
    return folder / f"struck{number}"


def _strikes(folder: Path, number: int) -> Counter[str]:
    """How often each fault struck in a life, as far as it could tell."""
    found, path = Counter[str](), _told_of(folder, number)
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        name, times = line.split()
        found[name] = max(int(times), found[name])
    return found


@contextlib.contextmanager
def open_workshop() -> Iterator[Workshop]:
    """Make a workshop with repositories to begin with, in memory if that is possible; remove it at the end.

    Raises
    ------
    NoRoom
        There is no room for it.
    """
    from ..stand_ins.template import make_template
    from .life import SCALE, SEED

    with open_room() as folder:
        for instrument in (LATISS, LSSTCOMCAM):
            detectors, filters = TEMPLATES[instrument.name]
            make_template(
                folder / instrument.name, instrument, detectors, seed=SEED, scale=SCALE, filters=filters
            )
        yield Workshop(folder)


def _furnish(folder: Path, template: Path) -> None:
    """Make the folder of a scenario, with a new repository."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "run").mkdir(parents=True)
    shutil.copytree(template, folder / "run" / "repo")


@cache
def _warm_up(templates: Path, folder: Path, name: str) -> OpenButlers:
    """Live a life to no purpose but that its successors find all open, imported and compiled.

    What costs a process most is what it does for the first time; those that are forked from now on have it
    done.
    """
    from .life import live
    from .open_butlers import OpenButlers

    _furnish(folder, templates / name)
    butlers = OpenButlers(folder / "run" / "repo")
    with butlers.lent(), _undisturbed():
        life = live(_ordinary(INSTRUMENTS[name]), folder, 0, lambda *_: None)
    butlers.disconnect()
    if life.status != 0:
        raise RuntimeError(
            f"a run in which nothing goes wrong ended with {life.status}:\n{life.log}{life.broken}"
        )
    return butlers


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals for the campaign wait, and keep what it does about them: a script has its own handlers."""
    numbers = {signal.SIGINT, signal.SIGTERM}
    handlers = {number: signal.getsignal(number) for number in numbers}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _ordinary(instrument: Instrument) -> Scenario:
    """A scenario in which calibrations of all types are made, and nothing goes wrong."""
    options = {
        "script_mode": "BIAS_DARK_FLAT",
        **{f"n_{kind.lower()}": 2 for kind in ImageType},
        "exp_times_dark": 5,
        "do_gain_from_flat_pairs": True,
        "generate_calibrations": True,
        "certify_calib_begin_date": "2025-01-01",
        "certify_calib_end_date": "2025-06-01",
        "calib_collection": f"{instrument.name}/calib/u/campaign/daily.1",
    }
    # Two images have half of their noise in common with their combination.
    noise = dict.fromkeys(ImageType, (Disturbance(factor=math.sqrt(2)),))
    return Scenario(0, instrument, options, disturbances=noise)


def _in_child(work: Callable[[], dict[str, Any]], path: Path) -> tuple[dict[str, Any] | None, int]:
    """Do something in a forked process.

    Returns
    -------
    told
        What it returns; None if the process was killed.
    memory
        Bytes that the process had at most.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            _stand_alone()
            path.write_text(json.dumps(work()), encoding="utf-8")
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(0)
    try:
        _, _, usage = os.wait4(child, 0)
    except BaseException:  # a signal ends the campaign
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    found: dict[str, Any] | None = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    return found, usage.ru_maxrss << 10


def _stand_alone() -> None:
    """Have signals for the campaign, from a terminal or not, mean nothing to the script that is played."""
    os.setpgid(0, 0)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
