"""What the executables below ``data/scripts`` have in common."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from .adapters.sal import is_embedded

if TYPE_CHECKING:
    from .base_make_calibrations import BaseMakeCalibrations

__all__ = ["run_from_queue"]


def run_from_queue(script: type[BaseMakeCalibrations]) -> None:
    """Run a script as the ScriptQueue starts it; never returns.

    Without salobj there is no bus to run on: the schema is printed all the same, all else ends with an error.
    The simulation is never chosen silently.

    Parameters
    ----------
    script
        Class of the script.
    """
    if is_embedded() and "TS_CALIBRATIONS_SAL" not in os.environ and "--schema" not in sys.argv[1:]:
        sys.exit(
            f"{script.__name__} needs lsst.ts.salobj, which is not installed here, to run on the"
            " observatory's bus. Nothing was done. To run it in the simulated observatory:"
            f" bin/run_script {'/'.join(sys.argv[0].split('/')[-2:])}"
        )
    asyncio.run(script.amain())
