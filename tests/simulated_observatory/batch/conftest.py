"""A repository with images, and jobs on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lsst.daf.butler import Butler, CollectionType, Timespan

from lsst.ts.simulated_observatory.batch.runner import BatchRunner
from lsst.ts.simulated_observatory.batch.site import read_batch
from lsst.ts.simulated_observatory.detector.truth import draw_truth
from lsst.ts.simulated_observatory.pipelines import PIPELINES
from lsst.ts.simulated_observatory.pipelines.new_repository import (
    calibration_type,
    certify_camera_model,
    create_repository,
)
from lsst.ts.simulated_observatory.pipelines.ocps_job import Job
from lsst.ts.simulated_observatory.pipelines.pipetask import PipetaskRunner
from lsst.ts.simulated_observatory.pipelines.raw_ingest import ingest_raw
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve

from ..pipelines.camera import Camera

DATA_ID = {"instrument": "LATISS", "detector": 0}
OPTIONS = "-c isr:doDefect=False -c isr:doLinearize=False -c isr:doCrosstalk=False"


@dataclass
class Night:
    """A repository with some images of a small detector, and what runs jobs there."""

    folder: Path
    files: dict[int, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.repository = self.folder / "repo"
        raws = self.folder / "raw"
        raws.mkdir()
        self.camera = Camera(raws)
        create_repository(str(self.repository))
        truth = draw_truth(self.camera.model, self.camera.seed).amplifiers
        curve = PhotonTransferCurve(
            detector="RXX_S00",
            gain={each.name: each.gain for each in truth},
            noise={each.name: each.read_noise for each in truth},
            imageNoise={each.name: 1.032 * each.read_noise for each in truth},
        )
        with Butler.from_config(str(self.repository), run="reference", writeable=True) as butler:
            certify_camera_model(butler, self.camera.model, run="camera", collection="certified")
            ref = butler.put(curve, calibration_type(butler, "ptc"), DATA_ID)
            butler.registry.certify("certified", [ref], Timespan(None, None))
            butler.collections.register("LATISS/calib", CollectionType.CHAINED)
            butler.collections.redefine_chain("LATISS/calib", ["certified"])

    def take(self, image_type: str, times: Sequence[float]) -> list[int]:
        """Take and ingest images; return their exposure ids."""
        files = self.camera.take(image_type, times, first=len(self.files) + 1)
        with Butler.from_config(str(self.repository), writeable=True) as butler:
            taken = {int(ingest_raw(butler, str(path))[0].dataId["exposure"]): path for path in files}
        self.files |= taken
        return list(taken)

    def job(
        self, name: str, pipeline: str, exposures: Sequence[int], *, inputs: str = "", options: str = OPTIONS
    ) -> Job:
        collections = ",".join(filter(None, [inputs, "LATISS/calib"]))
        return Job(
            job_id=name,
            pipeline=f"{PIPELINES}/{pipeline}",
            config=f"-j 2 -i {collections} --register-dataset-types {options}",
            data_query="instrument='LATISS' AND detector IN (0) AND exposure IN"
            f" ({', '.join(map(str, exposures))})",
            folder=self.folder / "uws" / name,
        )

    @property
    def process(self) -> PipetaskRunner:
        return PipetaskRunner(self.repository, "LATISS/raw/all")

    @property
    def batch(self) -> BatchRunner:
        return BatchRunner(self.repository, "LATISS/raw/all", site=read_batch("parsl"))


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Night:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    return Night(tmp_path_factory.mktemp("night"))
