"""Makes reference calibrations: exposures of an earlier night, combined by the project's own pipelines."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from lsst.daf.butler import Butler, DatasetRef

from ..detector.header import file_name
from ..detector.workers import make_workers
from ..pipelines import PIPELINES
from ..pipelines.calibration_types import CALIBRATION_TYPES
from ..pipelines.ocps_job import Job
from ..pipelines.pipetask import PipetaskRunner
from ..pipelines.raw_ingest import ingest_raw
from .calibration_repository import certify, chain_calibrations, new_repository
from .ingest import make_raw
from .reference import ReferenceRequest
from .reference_exposures import ReferenceExposure, reference_exposures

__all__ = ["ReferenceFailed", "ReferenceMaker"]

CAMERA = "camera"
"""Collection of the scratch repository that holds the camera model's crosstalk and linearity."""

PROCESSES = 2
"""Pipelines that run at a time, each on its part of the detectors."""

OPTIONS = "--register-dataset-types -c isr:doDefect=False"
"""Of all pipelines: defects are found last."""


class ReferenceFailed(RuntimeError):
    """A pipeline of the reference calibrations failed."""


@dataclass
class ReferenceMaker:
    """Makes one repository of reference calibrations, from files of exposures and with the pipelines.

    Parameters
    ----------
    request
        Which calibrations.
    folder, logs
        Where everything goes; where logs of pipelines that fail are kept.
    say, check
        Called with what is going on, and where nothing is half done that would stay.
    """

    request: ReferenceRequest
    folder: Path
    logs: Path
    say: Callable[[str], None]
    check: Callable[[], None]

    def make(self) -> Path:
        """Take the exposures, run the pipelines, keep the calibrations; return the repository.

        There is a `ReferenceFailed` if a pipeline fails.
        """
        kept, calibrations = self.folder / "kept", self.request.instrument.calibration_collection
        with new_repository(self.folder / "scratch", self.request, CAMERA) as scratch:
            self._combine(scratch, self._take(scratch))
            with new_repository(kept, self.request, f"{calibrations}/camera") as target:
                certify(target, self._copy(scratch, target), f"{calibrations}/reference")
                chain_calibrations(target, calibrations)
        return kept

    def _take(self, butler: Butler) -> list[ReferenceExposure]:
        """Make and ingest the raw files, each an exposure of its own."""
        raws, workers = self.folder / "raw", make_workers(2)
        raws.mkdir()
        exposures = reference_exposures(self.request)
        try:
            pending = []
            for exposure in exposures:
                for model in self.request.models:
                    path = raws / file_name(exposure.name, model)
                    request = exposure.request(self.request, model, str(path.with_suffix(".segments")))
                    header = exposure.header(self.request, model)
                    pending.append(workers.submit(make_raw, request, header, str(path)))
            for done, future in enumerate(as_completed(pending), 1):
                future.result()
                self.check()
                if done % 50 == 0 or done == len(pending):
                    self.say(f"  reference exposures: {done} of {len(pending)}")
        finally:  # an interrupt does not wait for what has not begun
            workers.shutdown(cancel_futures=True)
        for path in sorted(raws.glob("*.fits")):
            self.check()
            ingest_raw(butler, str(path))
        return exposures

    def _combine(self, butler: Butler, exposures: Sequence[ReferenceExposure]) -> None:
        """Run the pipelines in the order in which they need each other.

        A first combined bias in adu knows the noise of an image that went through the processing, which the
        photon transfer curve wants; all else is in electrons and needs the gains of that curve.
        """
        biases, darks, flats, pairs = (
            [each.id for each in exposures if each.use == use] for use in ("bias", "dark", "flat", "ptc")
        )
        self._run(butler, "bootstrap", "cpBias.yaml", biases, [], "-c isr:doApplyGains=False")
        self._run(butler, "ptc", "cpPtc.yaml", pairs, ["certified/bootstrap"])
        self._run(butler, "bias", "cpBias.yaml", biases, ["certified/ptc"])
        inputs = ["certified/ptc", "certified/bias"]
        self._run(butler, "dark", "cpDark.yaml", darks, inputs)
        self._run(butler, "flat", "cpFlat.yaml", flats, [*inputs, "certified/dark"])
        self._run(butler, "defects", "cpDefects.yaml", [*darks, *flats], [*inputs, "certified/dark"])

    def _run(
        self,
        butler: Butler,
        name: str,
        pipeline: str,
        exposures: Sequence[int],
        inputs: Sequence[str],
        options: str = "",
    ) -> None:
        """Run one pipeline, a part of the detectors in each process, and certify what it made."""
        self.say(f"  reference {name}: {pipeline}")
        parts = [part for n in range(PROCESSES) if (part := self.request.detectors[n::PROCESSES])]
        jobs = [
            Job(
                job_id=f"reference-{name}-{number}",
                pipeline=f"{PIPELINES}/{pipeline}",
                config=f"-i {','.join([*inputs, CAMERA])} {OPTIONS} {options}",
                data_query=f"instrument='{self.request.instrument.name}' AND detector IN ({_listed(part)})"
                f" AND exposure IN ({_listed(exposures)})",
                folder=self.folder / f"{name}-{number}",
            )
            for number, part in enumerate(parts)
        ]
        run_job = PipetaskRunner(self.folder / "scratch", self.request.instrument.raw_collection)
        with ThreadPoolExecutor(max_workers=PROCESSES) as threads:
            outcomes = list(threads.map(lambda job: run_job(job).run(), jobs))
        self.check()  # whoever is interrupted ends the pipelines, and their exit status says nothing
        for job, status in zip(jobs, outcomes, strict=True):
            if status != 0:
                kept = shutil.copy(job.log, self.logs / f"{name}.log")
                raise ReferenceFailed(
                    f"the pipeline of the reference {name} ended with {status}; its log: {kept}"
                )
        certify(butler, _made(butler, name), f"certified/{name}")
        _drop_images(butler, name)

    def _copy(self, source: Butler, target: Butler) -> list[DatasetRef]:
        """Copy the calibrations, and nothing else, to the repository that stays."""
        refs = [ref for each in CALIBRATION_TYPES.values() for ref in _made(source, each.dataset_type)]
        target.transfer_from(
            source, refs, transfer="copy", register_dataset_types=True, transfer_dimensions=True
        )
        return refs


def _made(butler: Butler, name: str) -> list[DatasetRef]:
    """The calibrations that a pipeline made."""
    butler.registry.refresh()
    dataset_type = "bias" if name == "bootstrap" else name
    return [
        ref for run in _runs(butler, name) for ref in butler.query_datasets(dataset_type, collections=run)
    ]


def _runs(butler: Butler, name: str) -> list[str]:
    """Collections with the results of a pipeline, one for each of its processes."""
    return sorted(butler.collections.query(f"u/ocps/reference-{name}-*/run"))


def _drop_images(butler: Butler, name: str) -> None:
    """Delete the processed images of a pipeline: at full size they would fill the disk."""
    refs = [
        ref
        for run in _runs(butler, name)
        for each in butler.registry.queryDatasetTypes("*Proc")
        for ref in butler.query_datasets(each, collections=run, explain=False)
    ]
    butler.pruneDatasets(refs, unstore=True, purge=True, disassociate=True)


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
