"""What a simulation needs before it starts: repository, reference calibrations, names for them."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.calibrations import StepKind
from lsst.ts.calibrations.domain.instruments import Instrument, physical_filter
from lsst.ts.calibrations.domain.optics import MountedOptics
from lsst.ts.calibrations.workflow.workflow import make_workflow

from ..cameras import CAMERAS
from ..components.machinery import Machinery
from ..components.optics import OpticalPath, usual_optics
from ..faults.faults import Faults
from ..locks import limit_waiting
from ..repository.database import Database, DatabaseError, is_in_database
from ..repository.opening import use_present_names
from ..repository.reference import ReferenceRequest, cache_folder
from ..repository.repository import (
    MEASURED,
    REFERENCE,
    VERSION,
    complete_repository,
    fill_repository,
    is_complete,
    make_once,
    make_repository,
    of_another_version,
    write_index,
)
from .disk import COPIED_IMAGES, Images, bytes_of, check_room
from .interrupts import Interrupted, noted_interrupts, pipelines_ended_by
from .observatory import SimulatedObservatory, real_machinery
from .request import SimulationSettings

__all__ = ["SetupError", "SetupStopped", "SetupWithoutPixels", "SimulationSetup"]


DRAWING_TIME, FLAT_TIME, FLAT_PIXEL_TIME = 2.0, 0.05, 2e-7
"""Seconds that drawing a detector takes on two cores: at all, for a flat of its curve, for each pixel."""


class SetupError(RuntimeError):
    """The simulated observatory could not be prepared."""


class SetupStopped(SetupError):
    """Somebody pressed Ctrl-C while it was prepared."""


@dataclass(frozen=True)
class SimulationSetup:
    """Place and properties of a simulation, which prepares what it needs.

    Parameters
    ----------
    instrument, config, settings
        What is simulated, what the script was asked for, and settings of the run.
    faults
        Specifications of what goes wrong.
    part
        How many parts of the run there were before.
    run
        What distinguishes the run from others of the same seed, whose jobs have other ids.
    batch
        Site of the batch system on which jobs run; None: each in a process of pipetask.
    database
        Where the registry of the repository is; None: in a SQLite file, or where a repository that is kept
        has it.
    """

    instrument: Instrument
    config: CalibrationConfig
    settings: SimulationSettings
    faults: tuple[str, ...]
    part: int = 0
    run: str = ""
    batch: str | None = None
    database: Database | None = None

    @property
    def optics(self) -> OpticalPath:
        """Filter and grating at the beginning; a run that is resumed finds those that it has chosen."""
        return self._flat_optics() if self.part else usual_optics(self.instrument)

    @property
    def repository(self) -> Path:
        """Butler repository."""
        return self.settings.repository

    @property
    def images(self) -> Path:
        """Folder of the raw images: with the repository, which knows them by path."""
        images = self.repository / "images"
        return images / self._night if self._night else images

    @property
    def _night(self) -> str:
        """Date by which runs are kept apart that use a repository at the same time, as a database allows."""
        shared = self.database is not None or is_in_database(self.repository)
        return (self.settings.date or "") if shared else ""

    @property
    def index(self) -> Path:
        """Butler index with the names of the repository."""
        return self.settings.folder / "butler-index.yaml"

    @property
    def detectors(self) -> tuple[int, ...]:
        """Detectors for which pixels are made."""
        return self.config.detectors

    @property
    def properties(self) -> dict[str, object]:
        """What runs that share a repository must have in common."""
        about = self.settings
        made = {"instrument": self.instrument.name, "scale": about.scale, "seed": about.seed}
        version = {VERSION: self._request(usual_optics(self.instrument)).version}
        return made | ({REFERENCE: MEASURED} if about.measured else {}) | version

    def observatory(self) -> SimulatedObservatory:
        """The simulated observatory, not yet running; nothing is made or read for it.

        Raises
        ------
        FaultError
            A fault is not possible in it.
        """
        return SimulatedObservatory(
            self.instrument,
            self._machinery(),
            images=self.images,
            jobs=self.settings.jobs,
            scale=self.settings.scale,
            seed=self.settings.seed,
            faults=Faults(self.faults),
            detectors=self.detectors,
            optics=self.optics,
            part=1000 * int(self._night.replace("-", "") or 0) + self.part,
            run=self.run,
        )

    def _machinery(self) -> Machinery:
        """What does the real work of the simulated components."""
        return real_machinery(self.instrument, self.repository, self.batch)

    def prepare(self, say: Callable[[str], None], tell: Callable[[float], None] = lambda _: None) -> None:
        """Make the repository and what names it.

        Parameters
        ----------
        say, tell
            Called with what takes time, and with the share of it that is done.

        Raises
        ------
        SetupError
            Something could not be made, or a signal came; nothing was exposed.
        """
        try:
            with noted_interrupts() as interrupts, pipelines_ended_by(interrupts):
                self._prepare(say, interrupts.check, tell)
        except Interrupted as interrupt:
            if str(interrupt) == signal.SIGINT.name:
                raise SetupStopped(
                    "Stopped while the simulated observatory was prepared. Nothing was exposed; what is"
                    " drawn of the reference calibrations is kept."
                ) from None
            raise SetupError(
                f"{interrupt} came while the simulated observatory was prepared. Nothing was exposed."
            ) from None

    def _prepare(
        self, say: Callable[[str], None], check: Callable[[], None], tell: Callable[[float], None]
    ) -> None:
        from sqlalchemy.exc import SQLAlchemyError

        from ..repository.reference_maker import ReferenceFailed

        limit_waiting()
        try:
            if is_complete(self.repository):
                use_present_names(self.repository)
                if remark := of_another_version(self.repository, self.properties):
                    say(f"WARNING {remark}")
            self._make_repository(say, check, tell)
            self._add_aliases()
            write_index(self.index, self.repository, {self.instrument.repository, self.config.repo})
            self._write_truth()
        except (OSError, ReferenceFailed, DatabaseError, SQLAlchemyError) as error:
            reason = str(error).partition("\n")[0]  # without the statement and links of the database
            raise SetupError(
                f"the simulated observatory could not be prepared: {reason}. Nothing was exposed."
            ) from error

    def _make_repository(
        self, say: Callable[[str], None], check: Callable[[], None], tell: Callable[[float], None]
    ) -> None:
        """Make the repository, with a copy of the reference calibrations; `check` is called between steps."""
        from ..pipelines.new_repository import create_repository
        from ..repository.reference_repository import reference_repository

        request = self._request(self._flat_optics())
        self._check_disk(request)
        reference = reference_repository(request, say, check, tell)
        calibrations = self.instrument.calibration_collection
        if self.database is None:
            make_repository(self.repository, reference, calibrations, self.properties, check)
            return
        registry = self.database.registry

        def fill(folder: Path) -> None:
            say("Copying the reference calibrations into the database...")
            create_repository(str(folder), [self.instrument.name], registry)
            fill_repository(folder, reference, calibrations)

        if not self.database.make(self.repository, self.properties, fill, check):
            complete_repository(self.repository, reference, calibrations)

    def _add_aliases(self) -> None:
        """Give the reference calibrations further collection names; one that is there is left as it is."""
        from lsst.daf.butler import Butler, CollectionType

        with Butler.from_config(str(self.repository), writeable=True) as butler:
            for name in self.settings.collections:
                if butler.collections.register(name, CollectionType.CHAINED):
                    butler.collections.redefine_chain(name, [self.instrument.calibration_collection])

    def _flat_optics(self) -> OpticalPath:
        """Filter and grating with which the flats are taken; raise SetupError if they are not mounted.

        No reference calibrations are made for what is not mounted. Where those of the usual filter are there,
        the script comes as far as its preflight with them, which says this and all else that is wrong.
        """
        usual, asked = usual_optics(self.instrument), (self.config.filter, self.config.grating)
        mounted = _mounted(self.instrument)
        names = mounted.set_up((usual.filter, usual.grating), *asked)
        if names is not None:
            return OpticalPath(*names)
        if not self._request(usual).is_cached:
            raise SetupError(f"{'; '.join(mounted.problems(*asked))}. Nothing was exposed.")
        return usual

    def _request(self, optics: OpticalPath) -> ReferenceRequest:
        about = self.settings
        return ReferenceRequest(
            self.instrument, self.detectors, about.scale, about.seed, optics, about.measured
        )

    @property
    def _planned_request(self) -> ReferenceRequest:
        """Reference calibrations of the filter asked for, or of the usual one if that is not mounted."""
        usual = usual_optics(self.instrument)
        mounted, asked = _mounted(self.instrument), (self.config.filter, self.config.grating)
        names = mounted.set_up((usual.filter, usual.grating), *asked)
        return self._request(usual if names is None else OpticalPath(*names))

    def disk_space(self) -> tuple[float, float | None]:
        """Bytes that the run needs at most, and its reference calibrations; None if these are there."""
        request = self._planned_request
        reference = self._images_of_references(request)
        return (
            bytes_of(self._images, request.models),
            None if reference is None else bytes_of(reference, request.models),
        )

    def to_draw(self) -> tuple[int, float]:
        """Number of detectors whose reference calibrations are drawn first, and seconds that takes."""
        from ..repository.reference_exposures import reference_exposures

        request = self._planned_request
        if request.measured or request.is_cached:
            return 0, 0.0
        exposures = reference_exposures(request)
        flats = sum(each.use == "ptc" for each in exposures)
        seconds = [
            DRAWING_TIME + flats * (FLAT_TIME + FLAT_PIXEL_TIME * model.width * model.height)
            for model in request.models
            if not request.part(model.id, len(exposures)).exists()
        ]
        return len(seconds), sum(seconds)

    @property
    def _images(self) -> Images:
        """How many exposures the run takes, and how many images its jobs write of them.

        A job that makes a calibration writes the combined one as well, which is not compressed. On the bus it
        is not known how many images there will be, and they count as none.
        """
        of_type = self.config.images
        processed = COPIED_IMAGES
        for step in make_workflow(self.config):
            used = sum(len(of_type[kind].kept_times) for kind in step.job_images if kind in of_type)
            processed += used + (2 if step.kind is StepKind.GENERATE else 0)
        return Images(sum(len(each.exposure_times) for each in of_type.values()), processed)

    def _images_of_references(self, request: ReferenceRequest) -> Images | None:
        """Of reference calibrations that pipelines have to make: each image is combined, and verified."""
        from ..repository.reference_exposures import reference_exposures

        if not request.measured or request.is_cached:
            return None
        n = len(reference_exposures(request))
        return Images(n, 2 * n)

    def _check_disk(self, request: ReferenceRequest) -> None:
        """Refuse what does not fit, with a proposal; reference calibrations that pipelines make count."""
        needs = {self.settings.folder: self._images}
        if (reference := self._images_of_references(request)) is not None:
            needs[cache_folder()] = reference
        try:
            check_room(needs, request.models)
        except ValueError as error:
            raise SetupError(f"{error}.") from None

    def _write_truth(self) -> None:
        from ..detector.truth import draw_truth

        models = self._request(usual_optics(self.instrument)).models
        truth: dict[str, Any] = {
            self.instrument.detectors[each.id]: draw_truth(each, self.settings.seed).to_dict()
            for each in models
        }
        truth["faults"] = list(self.faults)  # which the values above are without
        (self.settings.folder / "truth.json").write_text(json.dumps(truth) + "\n", encoding="utf-8")


class SetupWithoutPixels(SimulationSetup):
    """Raw files that are headers alone, jobs that store what pipelines would find in the images.

    What they find is drawn for the amplifiers of the simulated detectors, with their faults; whether it
    passes is for the tests of the verification to say.
    """

    @property
    def properties(self) -> dict[str, object]:
        """What runs that share a repository must have in common; no run with pixels can share this one."""
        return {**super().properties, "stand-ins": True}

    def _machinery(self) -> Machinery:
        from ..stand_ins.machinery import standin_machinery
        from ..stand_ins.measurements import StandInCamera

        camera = StandInCamera(self.settings.seed, Faults(self.faults).detector)
        return standin_machinery(self.instrument, self.repository, camera, scale=self.settings.scale)

    def _make_repository(
        self, say: Callable[[str], None], check: Callable[[], None], tell: Callable[[float], None]
    ) -> None:
        """Make a repository whose reference calibrations have one pixel for each amplifier."""
        from ..stand_ins.template import make_template

        if is_complete(self.repository):
            return
        say("No pixels and no pipelines: outcomes of jobs are drawn.")

        def make(folder: Path) -> None:
            make_template(
                folder,
                self.instrument,
                self.detectors,
                seed=self.settings.seed,
                scale=self.settings.scale,
                filters=self._filters(),
                registry=None if self.database is None else self.database.registry,
            )

        once = make_once if self.database is None else self.database.make
        once(self.repository, self.properties, make, check)

    def _filters(self) -> list[tuple[str, str]]:
        """Physical filter and band of everything that is mounted: a flat costs nothing here."""
        mounted = _mounted(self.instrument)
        found = {
            physical_filter(filter_, grating): CAMERAS[self.instrument.name].find_filter(filter_).band.lower()
            for filter_ in mounted.filters
            for grating in mounted.gratings or (None,)
        }
        return list(found.items())


def _mounted(instrument: Instrument) -> MountedOptics:
    """Everything that is mounted in the instrument, as the script reads it."""
    mounted = CAMERAS[instrument.name]
    filters, gratings = (tuple(each.name for each in wheel) for wheel in (mounted.filters, mounted.gratings))
    if instrument.spectrograph is None:
        return MountedOptics(instrument.camera, filters)
    return MountedOptics(instrument.spectrograph, filters, gratings)
