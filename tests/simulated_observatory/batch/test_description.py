"""The submit description says what the process of pipetask is told, and which quanta go together."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml

from lsst.ts.simulated_observatory.batch.description import _options, submit_description
from lsst.ts.simulated_observatory.pipelines import PIPELINES
from lsst.ts.simulated_observatory.pipelines.ocps_job import Job

QUERY = "instrument='LATISS' AND detector IN (0) AND exposure IN (1, 2)"


def described(config: str, folder: Path) -> dict[str, Any]:
    job = Job("a1", f"{PIPELINES}/cpBias.yaml", config, QUERY, folder)
    return yaml.safe_load(
        submit_description(job, job.pipeline, Path("/repo"), "LATISS/raw/all", Path("s.yaml"))
    )


def test_description_has_what_the_process_would_get(tmp_path: Path) -> None:
    found = described("-j 4 -i a,b -i c --register-dataset-types -c isr:doDark=False --fail-fast", tmp_path)
    assert found["includeConfigs"] == ["s.yaml"]
    assert found["pipelineYaml"] == f"{PIPELINES}/cpBias.yaml"
    assert found["payload"] == {
        "payloadName": "BIAS",
        "butlerConfig": "/repo",
        "inCollection": "LATISS/raw/all,a,b,c",
        "output": "u/ocps/a1",
        "outputRun": "u/ocps/a1/run",
        "dataQuery": QUERY,
    }
    assert shlex.split(found["pipetaskDataQuery"]) == ["-d", QUERY]
    assert (found["extraQgraphOptions"], found["extraRunQuantumOptions"]) == (
        "-c isr:doDark=False",
        "--fail-fast",
    )
    assert found["submitPath"] == str(tmp_path / "submit")


def test_options_of_pipetask_go_where_they_are_understood() -> None:
    words = "-j 8 -i a,b --register-dataset-types -c isr:a='B C' --fail-fast --timeout=5 -j2 --unknown x"
    assert _options(words.split()) == (
        ["-c", "isr:a='B", "C'", "--unknown", "x"],
        ["--fail-fast", "--timeout=5"],
    )


def test_what_the_job_says_is_no_variable_of_the_batch_system(tmp_path: Path) -> None:
    """Neither for the graph, whose command is split into words, nor for a quantum, whose is given to bash."""
    bps = pytest.importorskip("lsst.ctrl.bps")
    pipeline, query = "/a b/{c}/$HOME.yaml", "a='{b}' AND c='$HOME'"
    options = "-c isr:a={'b':1} -c isr:c=$HOME -c isr:d=${HOME}"
    job = Job("a1", pipeline, f"{options} --timeout={{$HOME}}", query, tmp_path)
    site, path = tmp_path / "site.yaml", tmp_path / "submit.yaml"
    site.write_text("computeSite: mine\n")
    path.write_text(submit_description(job, pipeline, Path("/repo"), "raw", site))
    config = bps.BpsConfig(str(path), search_order=bps.BPS_SEARCH_ORDER, defaults=bps.BPS_DEFAULTS)
    _, command = config.search("createQuantumGraph", opt={"curvals": {"qgraphFile": "/a.qg"}})
    words = shlex.split(command)
    assert words[words.index("--pipeline") + 1] == pipeline
    assert words[words.index("-d") + 1] == query
    assert words[-6:] == options.split()
    of_quantum = {"replaceVars": True, "expandEnvVars": False, "replaceEnvVars": True}
    assert shlex.split(config.search("extraRunQuantumOptions", opt=of_quantum)[1]) == ["--timeout={$HOME}"]


@pytest.mark.parametrize(
    ("pipeline", "expected"),
    [
        ("cpBias", [("isr,cpBiasCombine", "detector")]),
        (
            "cpFlat",  # whose detectors are combined with levels of all of them
            [("isr,cpFlatMeasure", "detector"), ("cpFlatNorm", None), ("cpFlatCombine", "detector")],
        ),
        ("verifyBias", [("verifyBiasIsr,verifyBiasDet", "detector"), ("verifyBiasExp,verifyBias", None)]),
    ],
)
def test_quanta_of_a_detector_go_together(pipeline: str, expected: list[tuple[str, str | None]]) -> None:
    pytest.importorskip("lsst.ctrl.bps")
    from lsst.pipe.base import Pipeline

    from lsst.ts.simulated_observatory.batch.clusters import clusters

    graph = Pipeline.from_uri(f"{PIPELINES}/{pipeline}.yaml").to_graph()
    graph.sort()
    found = clusters(graph).values()
    assert [(each["pipetasks"], each.get("dimensions")) for each in found] == expected
