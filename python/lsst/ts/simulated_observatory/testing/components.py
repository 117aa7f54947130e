"""The simulated components of an instrument, as one of the things that a test of a script makes."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from ..sal_names import is_in_use
from .stand_ins import StandIns

if TYPE_CHECKING:
    from ..session.observatory import SimulatedObservatory

__all__ = ["SimulatedComponents"]


class SimulatedComponents:
    """Camera, spectrograph or filter changer, header service, OODS and OCPS of an instrument.

    They behave and take time as in ``bin/run_script``, but no pixels are made, nothing is written to a
    Butler and no pipeline runs: stand-ins record what would have been done. All are ENABLED.

    Parameters
    ----------
    instrument
        ``LATISS``, ``LSSTComCam`` or ``LSSTCam``.
    faults
        What goes wrong, each as ``run_script --fault`` takes it.
    stand_ins
        The stand-ins; by default new ones, with jobs that end with exit code 0.
    detectors
        Butler ids of the detectors whose files are made; None: all. The OODS confirms all in any case.
    seed
        Seed of durations and job ids.

    Attributes
    ----------
    stand_ins
        What was asked of them: exposures, files, jobs.
    start_task
        Done when all components run.

    Raises
    ------
    KeyError
        There is no such instrument.
    FaultError
        A fault is none, or not possible in this observatory.
    RuntimeError
        The embedded SAL is not in use.
    """

    def __init__(
        self,
        instrument: str = "LATISS",
        *,
        faults: Collection[str] = (),
        stand_ins: StandIns | None = None,
        detectors: Collection[int] | None = None,
        seed: int = 1,
    ) -> None:
        # Imported here, since they choose the SAL: `use_embedded_sal` may be called after the import of this.
        from lsst.ts.calibrations.domain.instruments import INSTRUMENTS

        from ..faults.faults import Faults
        from ..session.observatory import SimulatedObservatory

        if not is_in_use():
            raise RuntimeError(
                "These components would go on the observatory's bus: call use_embedded_sal() before anything"
                " that imports lsst.ts.salobj. For that bus there is bin/run_simulator."
            )
        self.stand_ins = stand_ins or StandIns()
        self._folder = tempfile.TemporaryDirectory(prefix="simulated-components-")
        folder = Path(self._folder.name)
        try:
            self._observatory = SimulatedObservatory(
                INSTRUMENTS[instrument],
                self.stand_ins.machinery(),
                images=folder / "images",
                jobs=folder / "uws",
                scale=16,
                seed=seed,
                faults=Faults(tuple(faults)),
                detectors=detectors,
            )
        except Exception:
            self._folder.cleanup()
            raise
        self.start_task: asyncio.Task[SimulatedObservatory] = asyncio.ensure_future(
            self._observatory.__aenter__()
        )

    async def close(self) -> None:
        """Stop all components and remove their files."""
        if not self.start_task.done():
            self.start_task.cancel()
        await asyncio.gather(self.start_task, return_exceptions=True)
        await self._observatory.__aexit__(None, None, None)
        self._folder.cleanup()
