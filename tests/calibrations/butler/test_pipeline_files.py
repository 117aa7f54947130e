"""The pipelines of cp_pipe and cp_verify are used where they are at hand, by the names that they have now."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsst.resources import ResourcePath

from lsst.ts.calibrations.butler.pipeline_files import PipelineFiles
from lsst.ts.calibrations.domain.calibrations import StepKind
from lsst.ts.calibrations.domain.errors import ArchiveError
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory.pipelines import PIPELINES

TASK = "lsst.ts.simulated_observatory.pipelines.isr.IsrTask"


@pytest.fixture
def cp_pipe(tmp_path: Path) -> Path:
    """A stand-in for cp_pipe of 2026: imports, other labels, another subset."""
    for path, text in {
        "pipelines/_ingredients/cpBiasLSST.yaml": f"description: bias\ntasks:\n  cpBiasIsr: {TASK}\n",
        "pipelines/LATISS/cpBias.yaml": (
            "description: bias\nimports:\n  - location: $CP_PIPE_DIR/pipelines/_ingredients/cpBiasLSST.yaml\n"
        ),
        "pipelines/LATISS/findDefects.yaml": f"description: defects\ntasks:\n  cpMergeDefects: {TASK}\n",
        "pipelines/LATISS/cpPtc.yaml": (
            f"description: ptc\ntasks:\n  cpPtcIsr: {TASK}\n  cpPtcExtractPair: {TASK}\n"
            "subsets:\n  cpPtcGainFromFlatPairs:\n    subset: [cpPtcIsr, cpPtcExtractPair]\n"
        ),
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    return tmp_path


def test_a_simulated_run_has_the_pipelines_of_the_simulated_observatory(cp_pipe: Path) -> None:
    files = PipelineFiles(LATISS, PIPELINES, {"CP_PIPE_DIR": str(cp_pipe)})
    assert files.find(StepKind.GENERATE, "BIAS").address == f"{PIPELINES}/cpBias.yaml"
    assert files.find(StepKind.GAINS, "GAIN").address == f"{PIPELINES}/cpPtc.yaml#generateGainFromFlatPair"
    assert files.problems([(StepKind.VERIFY, "PTC")]) == []


def test_without_any_it_is_said_once_what_to_set() -> None:
    files = PipelineFiles(LATISS, environment={})
    jobs = [(StepKind.GENERATE, "BIAS"), (StepKind.VERIFY, "BIAS"), (StepKind.GAINS, "GAIN")]
    assert [problem.partition(",")[0] for problem in files.problems(jobs)] == [
        "CP_PIPE_DIR is not set",
        "CP_VERIFY_DIR is not set",
    ]
    assert "set it to the folder of cp_verify in the environment of the script" in files.problems(jobs)[1]
    with pytest.raises(ArchiveError, match="CP_PIPE_DIR is not set"):
        files.find(StepKind.GENERATE, "DARK")


@pytest.mark.parametrize("folder", ["/nowhere/at/all", "resource://no.such.package", "$NOT_SET/pipelines"])
def test_a_given_folder_without_the_pipeline_is_a_problem(folder: str) -> None:
    files = PipelineFiles(LATISS, folder, {})
    problems = files.problems(
        [(StepKind.GENERATE, "BIAS"), (StepKind.GAINS, "GAIN"), (StepKind.GAINS, "GAIN")]
    )
    assert [problem.split()[4] for problem in problems] == [
        f"{folder}/cpBias.yaml:",
        f"{folder}/cpPtc.yaml#generateGainFromFlatPair:",
    ]
    assert all("TS_CALIBRATIONS_PIPELINES" in problem for problem in problems)


def test_a_given_folder_that_cannot_be_asked_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: ResourcePath) -> bool:
        raise OSError("no credentials.")

    monkeypatch.setattr(type(ResourcePath(PIPELINES)), "exists", refuse)
    (problem,) = PipelineFiles(LATISS, PIPELINES, {}).problems([(StepKind.GENERATE, "BIAS")])
    assert problem == f"the pipeline {PIPELINES}/cpBias.yaml cannot be looked for: no credentials."


def test_a_given_folder_has_a_remark_where_it_overrides_others() -> None:
    both = {"CP_PIPE_DIR": "/a", "CP_VERIFY_DIR": "/b"}
    remark = f"The pipelines are those of {PIPELINES}; not used: CP_PIPE_DIR, CP_VERIFY_DIR."
    assert PipelineFiles(LATISS, PIPELINES, both).remark == remark
    assert PipelineFiles(LATISS, PIPELINES, {}).remark is None
    assert PipelineFiles(LATISS, None, both).remark is None


def test_labels_are_read_through_imports(cp_pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CP_PIPE_DIR", str(cp_pipe))
    found = PipelineFiles(LATISS).find(StepKind.GENERATE, "BIAS")
    assert found.address == "${CP_PIPE_DIR}/pipelines/LATISS/cpBias.yaml"
    assert found.isr_label == "cpBiasIsr"


def test_files_and_subsets_are_found_under_the_names_that_they_have(cp_pipe: Path) -> None:
    files = PipelineFiles(LATISS, environment={"CP_PIPE_DIR": str(cp_pipe)})
    defects = files.find(StepKind.GENERATE, "DEFECTS")
    assert defects.address == "${CP_PIPE_DIR}/pipelines/LATISS/findDefects.yaml"
    assert defects.isr_label is None
    assert files.find(StepKind.GAINS, "GAIN").address.endswith("/cpPtc.yaml#cpPtcGainFromFlatPairs")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tasks:\n\tisr: x\n", r"found character '\\t' that cannot start any token"),
        (
            "description: x\nimports:\n - location: $NOT_SET_DIR/a.yaml\n",
            "it imports from NOT_SET_DIR, which is not",
        ),
    ],
)
def test_why_a_pipeline_cannot_be_read_is_told_on_one_line(cp_pipe: Path, text: str, why: str) -> None:
    path = cp_pipe / "pipelines/cpDark.yaml"
    path.write_text(text)
    with pytest.raises(ArchiveError, match=why) as caught:
        PipelineFiles(LATISS, environment={"CP_PIPE_DIR": str(cp_pipe)}).find(StepKind.GENERATE, "DARK")
    assert "\n" not in str(caught.value)


def test_a_folder_into_which_nobody_may_look_has_no_pipeline() -> None:
    files = PipelineFiles(LATISS, environment={"CP_PIPE_DIR": f"/{'x' * 5000}"})
    (problem,) = files.problems([(StepKind.GENERATE, "DARK")])
    assert problem.endswith("and there is no cpDark.yaml for LATISS that can be read.")
    assert len(problem) < 700


def test_what_is_not_there_is_named(cp_pipe: Path) -> None:
    files = PipelineFiles(LATISS, environment={"CP_PIPE_DIR": str(cp_pipe), "CP_VERIFY_DIR": str(cp_pipe)})
    with pytest.raises(ArchiveError, match=r"cpDark\.yaml"):
        files.find(StepKind.GENERATE, "DARK")
    with pytest.raises(ArchiveError, match=r"verifyBias\.yaml"):
        files.find(StepKind.VERIFY, "BIAS")
    assert len(files.problems([(StepKind.GENERATE, "DARK"), (StepKind.VERIFY, "BIAS")])) == 2
