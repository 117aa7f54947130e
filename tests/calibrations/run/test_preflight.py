"""Before the first exposure: all that is not in order is told at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.butler.certification import Certifier
from lsst.ts.calibrations.butler.pipeline_files import PipelineFiles
from lsst.ts.calibrations.butler.repository import Repository
from lsst.ts.calibrations.domain.calibrations import StepKind
from lsst.ts.calibrations.domain.errors import PreflightError
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.calibrations.run import preflight
from lsst.ts.calibrations.run.preflight import Preflight, _instruments_named
from lsst.ts.calibrations.workflow.workflow import Step, Workflow
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.components import ocps
from lsst.ts.simulated_observatory.pipelines import PIPELINES

COMPONENTS = [
    ("ATCamera", None),
    ("ATSpectrograph", None),
    ("ATHeaderService", None),
    ("ATOODS", None),
    ("OCPS", 1),
]


def workflow(*collections: str) -> Workflow:
    """One job that reads some collections."""
    biases = (ImageType.BIAS,)
    return Workflow(
        (
            Step(
                kind=StepKind.VERIFY,
                calibration="BIAS",
                images=biases,
                job_images=biases,
                configured_inputs=collections,
            ),
        )
    )


@pytest.fixture
def check(observatory: Any, repository: Path, tmp_path: Path) -> Any:
    """Check an observatory with faults; return the simulated seconds that took."""

    def run(
        *faults: str,
        collections: tuple[str, ...] = ("LATISS/calib",),
        repo: Path = repository,
        more: Sequence[Callable[[], Awaitable[list[str]]]] = (),
        pipelines: str | None = PIPELINES,
        gone_since: tuple[str, ...] = (),
        published: Mapping[str, int] = MappingProxyType({}),
    ) -> float:
        async def main() -> float:
            async with observatory(*faults) as there, salobj.Domain() as domain:
                remotes = [salobj.Remote(domain, name, index, readonly=True) for name, index in COMPONENTS]
                await asyncio.gather(*(remote.start_task for remote in remotes))
                for gone in gone_since:
                    await there.components[gone].close()
                for name, state in published.items():
                    await there.components[name].evt_summaryState.set_write(summaryState=state)
                repository = Repository(str(repo))
                begin = asyncio.get_running_loop().time()
                try:
                    files = PipelineFiles(LATISS, pipelines, environment={})
                    archive, certifier = Archive(repository, LATISS), Certifier(repository, LATISS.name)
                    preflight = Preflight(LATISS, remotes, archive, certifier, files, more)
                    await preflight.check(workflow(*collections), folder=tmp_path)
                finally:
                    repository.close()
                return asyncio.get_running_loop().time() - begin

        return clock.run(main)

    return run


def test_an_observatory_in_order_is_passed_with_the_next_heartbeat(check: Any) -> None:
    assert check() <= 1.0


@pytest.mark.parametrize("component", ["ATCamera", "ATSpectrograph", "ATHeaderService", "ATOODS", "OCPS:1"])
@pytest.mark.parametrize("state", ["STANDBY", "DISABLED", "FAULT"])
def test_every_component_must_be_enabled(check: Any, component: str, state: str) -> None:
    with pytest.raises(PreflightError) as caught:
        check(f"component-state:component={component},state={state}")
    (problem,) = caught.value.problems
    found = "in FAULT: clear it to STANDBY" if state == "FAULT" else f"{state}, not ENABLED"
    assert f"{component} is {found}" in problem.replace(":0", "")


@pytest.mark.parametrize("state", [0, 99, -1])
def test_a_state_that_sal_does_not_have_is_a_problem_beside_the_others(check: Any, state: int) -> None:
    with pytest.raises(PreflightError) as caught:
        check("component-state:component=ATCamera,state=DISABLED", published={"ATOODS": state})
    assert caught.value.problems == (
        "ATCamera is DISABLED, not ENABLED: enable it",
        f"ATOODS is in the unknown state {state}, not ENABLED: enable it",
    )


def test_a_component_that_does_not_run_is_named_after_ten_seconds(check: Any) -> None:
    with pytest.raises(PreflightError, match="ATOODS has not said its state within 10 s") as caught:
        check("component-absent:component=ATOODS")
    assert len(caught.value.problems) == 1


def test_the_last_state_of_a_component_that_has_gone_does_not_count(check: Any) -> None:
    with pytest.raises(PreflightError, match="ATOODS was ENABLED, but has no heartbeat any more"):
        check(gone_since=("ATOODS",))


def test_all_problems_are_told_together(check: Any) -> None:
    with pytest.raises(PreflightError, match="has 4 problems:") as caught:
        check(
            "component-state:component=ATCamera,state=DISABLED",
            "component-absent:component=OCPS:1",
            collections=("LATISS/calib", "u/none", "u/typo"),
        )
    text = str(caught.value)
    for part in (
        "ATCamera is DISABLED",
        "OCPS:1 has not said",
        "no collection u/none",
        "no collection u/typo",
    ):
        assert part in text
    assert "Nothing was exposed" in text


def test_a_repository_that_is_not_there_is_one_of_the_problems(check: Any, tmp_path: Path) -> None:
    with pytest.raises(PreflightError, match="2 problems") as caught:
        check("component-state:component=ATOODS,state=STANDBY", repo=tmp_path / "none")
    assert "ATOODS is STANDBY" in caught.value.problems[0]
    assert "cannot be opened" in caught.value.problems[1]


def test_a_full_disk_is_a_problem(check: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "FREE_BYTES", 1e18)
    with pytest.raises(PreflightError, match=r"MB are free for .*; 1000000000000 MB are needed"):
        check()


def test_an_ocps_that_was_configured_for_another_instrument_is_a_problem(check: Any) -> None:
    with pytest.raises(PreflightError) as caught:
        check("ocps-configuration:instrument=LSSTComCam")
    (problem,) = caught.value.problems
    assert problem.startswith("OCPS:1 has the configuration of LSSTComCam (_init.yaml,LSSTComCam.yaml)")
    assert problem.endswith("start it with the configuration of LATISS")


def test_an_ocps_that_is_disabled_and_configured_for_another_instrument_is_told_both(check: Any) -> None:
    with pytest.raises(PreflightError, match="has 2 problems") as caught:
        check("ocps-configuration:instrument=LSSTCam", "component-state:component=OCPS:1,state=DISABLED")
    state, configuration = caught.value.problems
    assert "OCPS:1 is DISABLED" in state
    assert "configuration of LSSTCam" in configuration


def test_a_configuration_that_names_no_instrument_says_nothing(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of the summit, which holds the instruments of all indices in one file."""
    monkeypatch.setattr(ocps, "_override", lambda instrument, faults: "_summit.yaml")
    check()


def test_further_checks_are_part_of_the_whole(check: Any) -> None:
    async def look() -> list[str]:
        return ["the lamp is off", "the dome is open"]

    with pytest.raises(PreflightError, match="has 3 problems") as caught:
        check("component-state:component=ATCamera,state=DISABLED", more=[look])
    assert caught.value.problems[-2:] == ("the lamp is off", "the dome is open")


def test_a_script_that_does_not_know_its_pipelines_says_what_to_set(check: Any) -> None:
    with pytest.raises(PreflightError) as caught:
        check("component-state:component=ATCamera,state=DISABLED", pipelines=None)
    camera, pipelines = caught.value.problems
    assert "ATCamera" in camera
    assert pipelines.startswith("CP_VERIFY_DIR is not set")


@pytest.mark.parametrize(
    ("configurations", "named"),
    [
        ("_init.yaml,LATISS.yaml", ["LATISS"]),
        ("_init, _summit, LSSTComCam", ["LSSTComCam"]),
        ("lsstcam", ["LSSTCam"]),
        ("_init.yaml,_summit.yaml", []),
        ("", []),
    ],
)
def test_a_configuration_may_be_named_after_an_instrument(configurations: str, named: list[str]) -> None:
    assert _instruments_named(configurations) == named
