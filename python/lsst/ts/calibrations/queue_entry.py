"""What the executables below ``data/scripts`` have in common."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
import threading
from typing import TYPE_CHECKING

from .sal_choice import VARIABLE, is_embedded, provide_salobj

if TYPE_CHECKING:
    from .base_make_calibrations import BaseMakeCalibrations

__all__ = ["choose_sal", "run_from_queue"]

CLOSING = 7.0  # seconds that a script has to let its last lines out and to close what it opened


def choose_sal() -> None:
    """Have a SAL before a script is imported, or exit and say what is missing.

    The schema needs no bus: it is printed with the embedded SAL where the one that was chosen is not there.
    """
    try:
        provide_salobj()
    except (ImportError, ValueError) as error:
        if not _only_schema():
            sys.exit(str(error))
        os.environ[VARIABLE] = "embedded"
        try:
            provide_salobj()
        except ImportError:
            sys.exit(str(error))


def run_from_queue(script: type[BaseMakeCalibrations]) -> None:
    """Run a script as the ScriptQueue starts it.

    Without salobj only the schema is printed, and all else is an error: no simulation is chosen silently.

    Parameters
    ----------
    script
        Class of the script.
    """
    only_schema = _only_schema()
    if is_embedded() and not os.environ.get(VARIABLE) and not only_schema:
        sys.exit(
            f"{script.__name__} needs lsst.ts.salobj, which is not installed here, to run on the"
            " observatory's bus. Nothing was done. To run it in the simulated observatory:"
            f" bin/run_script {'/'.join(sys.argv[0].split('/')[-2:])}"
        )
    try:
        asyncio.run(_run(script))
        sys.stdout.flush()
    except BrokenPipeError:
        if not only_schema:
            raise
        # The reader has seen enough, e.g. `head`; what is left must not be written at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _only_schema() -> bool:
    return "--schema" in sys.argv[1:]


async def _run(script: type[BaseMakeCalibrations]) -> None:
    """Run the script; a connection that does not close then must not hold up the queue for ever."""
    try:
        await script.amain(on_close=_leave_later)
    finally:
        gc.freeze()  # or the interpreter looks at all objects once more before it ends, which takes a second


def _leave_later(status: int) -> None:
    """End the process after `CLOSING`, by a thread, as the event loop itself can be held up.

    A connection of salobj 8.2 that is closed while it is made waits for itself, or for its consumer.
    """
    last = threading.Timer(CLOSING, _leave, [status])
    last.daemon = True
    last.start()


def _leave(status: int) -> None:
    """End the process, whatever is still under way in it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
