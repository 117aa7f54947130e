"""Runs scenarios, each life of a script in a process that is forked for it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...domain.instruments import LATISS, LSSTCOMCAM
from .scenario import Scenario

__all__ = ["Lived", "Workshop", "open_workshop"]

TEMPLATES = {
    LATISS.name: ((0,), (("SDSSr_65mm~empty", "r"),)),
    LSSTCOMCAM.name: ((0, 1, 2), (("r_03", "r"),)),
}
"""Detectors and filters of the reference calibrations."""

MEMORY = Path("/dev/shm")  # noqa: S108  (a file system, in which nothing waits for a disk)


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
    struck
        How often each fault struck.
    refused
        Why the run could not be resumed; empty if it could, or was not to be.
    """

    scenario: Scenario
    folder: Path
    lives: list[Mapping[str, Any] | None]
    struck: Counter[str] = field(default_factory=Counter)
    refused: str = ""


@dataclass(frozen=True)
class Workshop:
    """A place to play scenarios in.

    Parameters
    ----------
    folder
        Where.
    """

    folder: Path

    def play(self, scenario: Scenario) -> Lived:
        """Play a scenario; its folder stays until `clear`."""
        folder = self.folder / f"{os.getpid()}-{scenario.seed}"
        shutil.rmtree(folder, ignore_errors=True)
        (folder / "run").mkdir(parents=True)
        shutil.copytree(self.folder / scenario.instrument.name, folder / "run" / "repo")
        lived = Lived(scenario, folder, [])
        for number in range(2 if scenario.resumed else 1):
            _make_room(folder / "run")
            lived.lives.append(_in_child(lambda: self._live(lived, number), folder / f"life{number}.json"))  # noqa: B023
        if (last := lived.lives[-1]) is not None and last["refused"]:
            lived.refused = last["refused"]
            lived.lives.pop()
        strikes = folder / "struck"
        if strikes.exists():
            for line in strikes.read_text(encoding="utf-8").splitlines():
                name, times = line.split()
                lived.struck[name] = max(int(times), lived.struck[name])
        return lived

    @staticmethod
    def _live(lived: Lived, number: int) -> dict[str, Any]:
        from .life import live

        strikes = os.open(lived.folder / "struck", os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def write(name: str, times: int) -> None:
            os.write(strikes, f"{name} {times}\n".encode())

        return live(lived.scenario, lived.folder, number, write).as_dict()


@contextlib.contextmanager
def open_workshop() -> Iterator[Workshop]:
    """Make a workshop with repositories to begin with, in memory if that is possible."""
    from ..standins.template import make_template
    from .life import SCALE, SEED

    place = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="campaign-", dir=place) as name:
        folder = Path(name)
        for instrument in (LATISS, LSSTCOMCAM):
            detectors, filters = TEMPLATES[instrument.name]
            make_template(
                folder / instrument.name, instrument, detectors, seed=SEED, scale=SCALE, filters=filters
            )
        yield Workshop(folder)


def _make_room(run: Path) -> None:
    """Take away what let a disk look full to a life that was killed."""
    for path in run.iterdir():
        if path.is_symlink():
            path.unlink()


def _in_child(work: Callable[[], dict[str, Any]], path: Path) -> dict[str, Any] | None:
    """Do something in a forked process; return what it returns, or None if the process was killed."""
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        try:
            path.write_text(json.dumps(work()), encoding="utf-8")
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
