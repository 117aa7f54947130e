"""The pipelines of cp_pipe and cp_verify are used where they are at hand, by the names that they have now."""

import pytest

from lsst.ts.calibrations.butler.pipeline_files import PipelineFiles
from lsst.ts.calibrations.domain.errors import ArchiveError
from lsst.ts.calibrations.domain.instruments import LATISS

TASK = "lsst.ts.simulated_observatory.pipelines.isr.IsrTask"


@pytest.fixture
def cp_pipe(tmp_path):
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


def test_without_them_the_own_pipelines_are_used():
    files = PipelineFiles(LATISS, {})
    assert (
        files.find("generate", "BIAS").address
        == "resource://lsst.ts.simulated_observatory.pipelines/cpBias.yaml"
    )
    assert files.find("gain", "GAIN").address.endswith("/cpPtc.yaml#generateGainFromFlatPair")


def test_labels_are_read_through_imports(cp_pipe, monkeypatch):
    monkeypatch.setenv("CP_PIPE_DIR", str(cp_pipe))
    found = PipelineFiles(LATISS).find("generate", "BIAS")
    assert found.address == "${CP_PIPE_DIR}/pipelines/LATISS/cpBias.yaml"
    assert found.options("-c isr:doDefect=False")[0] == "-c cpBiasIsr:doDefect=False"


def test_files_and_subsets_are_found_under_the_names_that_they_have(cp_pipe):
    files = PipelineFiles(LATISS, {"CP_PIPE_DIR": str(cp_pipe)})
    assert files.find("generate", "DEFECTS").address == "${CP_PIPE_DIR}/pipelines/LATISS/findDefects.yaml"
    assert files.find("generate", "DEFECTS").options("-c isr:doDefect=False")[0] == ""
    assert files.find("gain", "GAIN").address.endswith("/cpPtc.yaml#cpPtcGainFromFlatPairs")


def test_what_is_not_there_is_named(cp_pipe):
    files = PipelineFiles(LATISS, {"CP_PIPE_DIR": str(cp_pipe), "CP_VERIFY_DIR": str(cp_pipe)})
    with pytest.raises(ArchiveError, match=r"cpDark\.yaml"):
        files.find("generate", "DARK")
    with pytest.raises(ArchiveError, match=r"verifyBias\.yaml"):
        files.find("verify", "BIAS")
