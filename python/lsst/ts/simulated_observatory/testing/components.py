"""The simulated components of an instrument, with stand-ins for their real work, for tests of scripts."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..sal_names import is_in_use

if TYPE_CHECKING:
    from ..components.machinery import Machinery
    from ..detector.exposure import ExposureRequest
    from ..pipelines.ocps_job import Job
    from ..session.observatory import SimulatedObservatory

__all__ = ["SimulatedComponents", "StandIns"]


@dataclass
class StandIns:
    """Images without pixels, an archive without Butler, jobs without pipelines.

    Parameters
    ----------
    exit_code
        Exit code of the jobs of the OCPS.

    Attributes
    ----------
    exposures
        One for each detector and image, in the order in which they began.
    ingested
        Raw files that the OODS would have ingested.
    jobs
        Jobs of the OCPS.
    """

    exit_code: int = 0
    exposures: list[ExposureRequest] = field(default_factory=list)
    ingested: list[Path] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)

    def machinery(self) -> Machinery:
        """Return what the simulated components do their work with."""
        from ..components.machinery import Machinery

        return Machinery(
            ingest=_Archive(self.ingested),
            run_job=self._run_job,
            make_pixels=self.exposures.append,
            write_raw=_write_nothing,
            processes=0,
        )

    def _run_job(self, job: Job, /) -> _JobProcess:
        self.jobs.append(job)
        return _JobProcess(self.exit_code)


def _write_nothing(path: str, header: Mapping[str, object], segments: str, /) -> None:
    """Leave the raw file unwritten."""


@dataclass
class _Archive:
    """Records the files that it is to ingest."""

    files: list[Path]

    def __call__(self, path: Path, /) -> None:
        self.files.append(path)

    def close(self) -> None:
        pass


@dataclass
class _JobProcess:
    """Ends at once; how long the job takes in simulated time is up to the OCPS."""

    exit_code: int

    def run(self) -> int:
        return self.exit_code

    def kill(self) -> None:
        pass


class SimulatedComponents:
    """Camera, spectrograph or filter changer, header service, OODS and OCPS of an instrument.

    They behave and take time as in ``bin/run_script``, but no pixels are made, nothing is written to a
    Butler and no pipeline runs: stand-ins record what would have been done. All are ENABLED.

    Parameters
    ----------
    instrument, faults
        ``LATISS``, ``LSSTComCam`` or ``LSSTCam``; what goes wrong, each as ``run_script --fault`` takes it.
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
        self.start_task.cancel()  # which does nothing if it is done
        await asyncio.gather(self.start_task, return_exceptions=True)
        await self._observatory.__aexit__(None, None, None)
        self._folder.cleanup()
