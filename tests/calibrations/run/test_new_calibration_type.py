"""A type of calibration that is added to the table is planned, checked, made, verified and certified."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.butler.certification import Certifier
from lsst.ts.calibrations.butler.pipeline_files import PipelineFiles
from lsst.ts.calibrations.butler.repository import Repository
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS, CalibrationType, StepKind
from lsst.ts.calibrations.domain.errors import ConfigurationError, PreflightError
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.calibrations.journal.facts import Certified, VerdictGiven
from lsst.ts.calibrations.run.preflight import Preflight
from lsst.ts.calibrations.workflow.plan import make_plan
from lsst.ts.calibrations.workflow.workflow import make_workflow
from lsst.ts.simulated_observatory import pipelines

from .doubles import EXPOSURES, INTERNAL, MakeRun

PACKAGED = Path(pipelines.__path__[0])
"""Folder of the pipelines of the simulated observatory."""

EXAMPLE = CalibrationType(
    name="EXAMPLE",
    made_from=(ImageType.DARK,),
    verified_with=ImageType.DARK,
    needs=("BIAS", "DARK"),
    option="do_example",
    generated_by=("cpExample.yaml",),
    verified_by=("verifyExample.yaml",),
)
"""A made-up product, from darks."""

OPTIONS = {
    "do_example": True,
    "config_options_example": "-c example:x=1",
    "input_collections_example": "u/example",
}
"""As a schema with these options would give them."""


@pytest.fixture(autouse=True)
def _table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CALIBRATIONS, EXAMPLE.name, EXAMPLE)


def configured(**options: Any) -> CalibrationConfig:
    return CalibrationConfig.from_namespace(OPTIONS | options, LATISS)


def test_its_steps_are_part_of_the_workflow() -> None:
    steps = make_workflow(configured(**INTERNAL, script_mode="BIAS_DARK"))
    assert [step.name for step in steps][-3:] == ["generate EXAMPLE", "verify EXAMPLE", "certify EXAMPLE"]
    making = next(step for step in steps if step.name == "generate EXAMPLE")
    assert [step.name for step in making.needs] == ["certify BIAS", "certify DARK"]


def test_the_mode_that_it_needs_is_named() -> None:
    with pytest.raises(ConfigurationError) as caught:
        configured(script_mode="BIAS")
    assert caught.value.problems == ("do_example: true needs script_mode: BIAS_DARK, not BIAS",)


def test_the_announced_duration_includes_it() -> None:
    options = {"script_mode": "BIAS_DARK", "n_dark": 5, "exp_times_dark": 30}
    without = make_plan(configured(do_example=False, **options), LATISS)
    with_it = make_plan(configured(**options), LATISS)
    jobs = 2 * (20 + 5)  # it is made of the darks, and verified with them
    assert with_it.duration == 2 + with_it.floor + 4 + jobs
    assert with_it.duration > without.duration


def test_the_check_before_the_first_exposure_looks_for_what_it_needs(
    repository: Path, tmp_path: Path
) -> None:
    steps = make_workflow(configured(script_mode="BIAS_DARK"))
    assert "u/example" in steps.input_collections
    assert steps.dataset_types_to_certify == ("example",)
    assert (StepKind.GENERATE, "EXAMPLE") in steps.jobs
    for file in PACKAGED.glob("*.yaml"):
        (tmp_path / "pipelines").mkdir(exist_ok=True)
        shutil.copy(file, tmp_path / "pipelines")
    environment = {"CP_PIPE_DIR": str(tmp_path), "CP_VERIFY_DIR": str(tmp_path)}
    butler = Repository(str(repository))
    try:
        archive, certifier = Archive(butler, LATISS), Certifier(butler, LATISS.name)
        files = PipelineFiles(LATISS, environment=environment)
        with pytest.raises(PreflightError) as caught:
            asyncio.run(Preflight(LATISS, [], archive, certifier, files).check(steps, folder=tmp_path))
    finally:
        butler.close()
    collection, *files_missing = caught.value.problems
    assert collection.startswith("there is no collection u/example in ")
    assert [text.partition("there is no ")[2] for text in files_missing] == [
        "cpExample.yaml for LATISS that can be read.",
        "verifyExample.yaml for LATISS that can be read.",
    ]


def test_it_is_made_verified_and_certified(make_run: MakeRun) -> None:
    run = make_run(**INTERNAL, **OPTIONS, script_mode="BIAS_DARK")
    run.hand_over(ImageType.BIAS, ImageType.DARK)
    assert run.not_done == {}
    assert [request.name for request in run.ocps.requests][-2:] == ["generate EXAMPLE", "verify EXAMPLE"]
    assert run.ocps.requests[-2].config.endswith("-c example:x=1")
    assert run.of(VerdictGiven)[-1].calibration == "EXAMPLE"
    assert [fact.dataset_type for fact in run.of(Certified)] == ["bias", "dark", "example"]
    assert run.archive.certified[-1].combined.exposures == {"DARK": EXPOSURES}
