"""The simulated observatory: all components that take part in calibrations, started and stopped together."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import TracebackType

import numpy

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import Instrument

from ..batch.runner import BatchRunner
from ..cameras import CAMERAS
from ..cameras.models import detector_model
from ..components.camera import CameraCsc, FilterCameraCsc
from ..components.durations import Durations
from ..components.header_service import HeaderService
from ..components.image_folder import ImageFolder
from ..components.imaging import Imaging
from ..components.machinery import Machinery
from ..components.ocps import Ocps
from ..components.oods import Oods
from ..components.optics import OpticalPath, usual_optics
from ..components.spectrograph import Spectrograph
from ..detector.faults import active_faults
from ..detector.workers import make_workers
from ..faults.butler import ButlerFaults
from ..faults.faults import Fault, FaultError, Faults
from ..faults.machine import MachineFaults
from ..pipelines.pipetask import PipetaskRunner
from ..repository.ingest import ButlerIngest, open_anew

FAULT_ASKED_FOR = 99
"""Error code of a component that is in FAULT because that was asked for."""

__all__ = ["SimulatedObservatory", "real_machinery"]

_STREAMS = {"OODS": 1, "OCPS": 2}
"""Random streams of the components, beside that of the detectors: one must not change what another draws."""


def real_machinery(instrument: Instrument, repository: Path, batch: str | None = None) -> Machinery:
    """Machinery that makes real pixels, ingests them into a Butler repository and runs pipelines.

    Parameters
    ----------
    instrument, repository
        Whose images, and the Butler repository in which it is registered.
    batch
        Site of the batch system on which jobs run; None: each in a process of pipetask.

    Returns
    -------
    machinery
        Nothing of it has begun.
    """
    runner = (
        PipetaskRunner(repository, instrument.raw_collection)
        if batch is None
        else BatchRunner(repository, instrument.raw_collection, site=batch)
    )
    return Machinery(ingest=ButlerIngest(repository), run_job=runner, repository=repository)


class SimulatedObservatory:
    """Camera, spectrograph, header service, OODS and OCPS of one instrument; an async context manager.

    Inside the context all components run and are ENABLED, unless a fault was asked for.

    Parameters
    ----------
    instrument, machinery
        The instrument, and what does the real work; see `real_machinery`.
    images, jobs
        Folder of the raw images, and that of the folders of the jobs: ``<jobs>/<job id>/outs/ocps.log``. The
        latter lies in the run directory.
    scale, seed
        Divisor of the sides of the imaging areas, and seed of all random numbers.
    faults, durations
        What goes wrong, and how long jobs and ingests take.
    detectors
        Butler ids of the detectors for which pixels are made; None: all.
    optics
        Filter and grating at the beginning; None: the r filter and no grating.
    part
        How many parts of the same run there were before: each draws other job ids.
    run
        What distinguishes this run from others of the same seed, whose jobs have other ids.

    Raises
    ------
    FaultError
        A fault names a component that there is not, or is not possible for a detector in use.
    """

    def __init__(
        self,
        instrument: Instrument,
        machinery: Machinery,
        *,
        images: Path,
        jobs: Path,
        scale: int = 4,
        seed: int = 1,
        faults: Faults | None = None,
        detectors: Iterable[int] | None = None,
        durations: Durations | None = None,
        optics: OpticalPath | None = None,
        part: int = 0,
        run: str = "",
    ) -> None:
        self.instrument = instrument
        self.faults = faults or Faults()
        self.optics = optics or usual_optics(instrument)
        self.images = ImageFolder(images.absolute(), instrument.code)
        self.components: dict[str, salobj.BaseCsc] = {}
        """What runs, by SAL name and index."""
        self._machinery = machinery
        self._jobs = jobs.absolute()
        self._seed = seed
        self._part, self._run = part, run
        self._durations = durations or Durations()
        used = instrument.detectors if detectors is None else detectors
        self._models = {number: detector_model(instrument.name, number, scale) for number in used}
        for model in self._models.values():
            try:
                active_faults(self.faults.detector, model)
            except ValueError as error:
                raise FaultError(str(error)) from None
        _check_components(self.faults, instrument)
        self._machine_faults = MachineFaults(self._jobs.parent, self.faults)
        repository = machinery.repository
        self._butler_faults = (
            None
            if repository is None
            else ButlerFaults(repository, instrument, self.faults, machinery.open_butler or open_anew)
        )
        self._open = contextlib.AsyncExitStack()

    async def __aenter__(self) -> SimulatedObservatory:
        """Start everything."""
        async with contextlib.AsyncExitStack() as opened:
            if self._butler_faults is not None:
                await self._butler_faults.begin()
            workers = make_workers(self._machinery.processes)
            opened.callback(workers.shutdown, cancel_futures=True)
            imaging = Imaging(
                instrument=self.instrument,
                models=self._models,
                folder=self.images,
                machinery=self._machinery,
                workers=workers,
                seed=self._seed,
                faults=self.faults.detector,
            )
            camera: CameraCsc | None = None
            for name, make in self._makers(imaging).items():
                if not self._strike("component-absent", name):
                    component = await self._start(name, make, opened)
                    camera = component if isinstance(component, CameraCsc) else camera
            if camera is not None:
                await self._finish_images(camera)
            self._open = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything: images that are not complete are dropped, jobs are ended."""
        await self._open.aclose()
        self._machine_faults.close()

    def _makers(self, imaging: Imaging) -> dict[str, Callable[..., salobj.BaseCsc]]:
        """What makes each component, by its SAL name and index, in the reverse order of their closing."""
        instrument = self.instrument
        makers: dict[str, Callable[..., salobj.BaseCsc]] = {
            f"OCPS:{instrument.ocps_index}": partial(
                Ocps,
                instrument,
                folder=self._jobs,
                run_job=self._machinery.run_job,
                durations=self._durations,
                rng=self._random("OCPS"),
                faults=self.faults,
                butler_faults=self._butler_faults,
                run=self._run,
            ),
            instrument.oods: partial(
                Oods,
                instrument,
                folder=self.images,
                ingest=self._machinery.ingest,
                durations=self._durations,
                rng=self._random("OODS"),
                faults=self.faults,
            ),
            instrument.header_service: partial(
                HeaderService,
                instrument,
                folder=self.images,
                models=self._models,
                seed=self._seed,
                faults=self.faults,
            ),
            instrument.camera: partial(
                FilterCameraCsc if instrument.spectrograph is None else CameraCsc,
                instrument,
                folder=self.images,
                imaging=imaging,
                optics=self.optics,
                faults=self.faults,
                begin_image=self._machine_faults,
            ),
        }
        if instrument.spectrograph is not None:
            makers[instrument.spectrograph] = partial(
                Spectrograph, instrument.spectrograph, optics=self.optics, mounted=CAMERAS[instrument.name]
            )
        return makers

    def _random(self, stream: str) -> numpy.random.Generator:
        # A folder of images that goes on begins other streams: a job id must not come twice in a repository.
        part = [self._part] if self._part else []
        return numpy.random.default_rng([self._seed, _STREAMS[stream], self.images.count(), *part])

    async def _finish_images(self, camera: CameraCsc) -> None:
        """Finish what was under way when an earlier simulation ended with its script."""
        for image in self.images.unfinished():
            files = {
                number: self.images.file(image.name, self.instrument.detectors[number])
                for number in self._models
            }
            if all(path.exists() for path in files.values()):
                self.images.complete(image, files)
            elif camera.summary_state == salobj.State.ENABLED:
                await camera.finish(image)

    async def _start(
        self, name: str, make: Callable[..., salobj.BaseCsc], opened: contextlib.AsyncExitStack
    ) -> salobj.BaseCsc:
        """Start a component, bring it into its state, and have it closed at the end."""
        fault = self._strike("component-state", name)
        state = "ENABLED" if fault is None else str(fault["state"])
        initial_state = salobj.State.ENABLED if state == "FAULT" else salobj.State[state]
        component = self.components[name] = make(initial_state=initial_state)
        opened.push_async_callback(component.close)
        await component.start_task
        if component.done_task.done():  # it could not start
            await component.done_task
        if state == "FAULT":
            await component.fault(FAULT_ASKED_FOR, "the fault component-state was asked for")
        return component

    def _strike(self, name: str, component: str) -> Fault | None:
        """Return a fault of a component, which may be named with or without its index."""
        by_name = self.faults.strike(name, component=component.partition(":")[0])
        return by_name or self.faults.strike(name, component=component)


def _check_components(faults: Faults, instrument: Instrument) -> None:
    """Raise FaultError if a fault names a component that the instrument does not have."""
    known = [*instrument.components, "OCPS", f"OCPS:{instrument.ocps_index}"]
    for name in ("component-absent", "component-state"):
        for component in (fault["component"] for fault in faults.asked_for(name)):
            if component not in known:
                raise FaultError(f"fault {name!r}: there is no {component!r}; there are {', '.join(known)}")
