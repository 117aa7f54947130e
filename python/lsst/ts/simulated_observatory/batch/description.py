"""The submit description of a job for ``lsst.ctrl.bps``."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import click
import yaml

from ..pipelines.ocps_job import Job

__all__ = ["SERVICE", "command_problem", "submit_description"]

SERVICE = "lsst.ctrl.bps.parsl.ParslService"
"""The plug-in of ``lsst.ctrl.bps``."""

_COMMAND = f"{shlex.quote(sys.executable)} -m {__package__}.command"
"""Starts ``pipetask`` or ``butler`` in the Python of this process: no environment has to be set up for it."""

_GRAPH = (
    f"{_COMMAND} pipetask {{qgraphPreCmdOpts}} qgraph --butler-config {{butlerConfig}} {{pipetaskInput}}"
    " {pipetaskOutput} --output-run {outputRun} --pipeline {pipelineYaml} --save-qgraph {qgraphFile}"
    " --qgraph-datastore-records {pipetaskDataQuery} {extraQgraphOptions}"
)
_INIT = f"{_COMMAND} pipetask {{initPreCmdOpts}} pre-exec-init-qbb {{butlerConfig}} {{qgraphFile}}"
_QUANTUM = (
    f"{_COMMAND} pipetask {{runPreCmdOpts}} run-qbb {{butlerConfig}} {{qgraphFile}}"
    " --qgraph-node-id {qgraphNodeId} {extraRunQuantumOptions}"
)
_FINAL = (
    f"{_COMMAND} butler {{finalPreCmdOpts}} aggregate-graph {{qgraphFile}} {{butlerConfig}}"
    " --register-dataset-types --update-output-chain"
)

_LEFT_OUT = {"-j", "--processes", "-i", "--input", "--register-dataset-types"}
"""Options that the description has in another way: the workers of the site are the processes, the input
collections have an entry, and the final job registers the types of datasets in any case."""


_STRANGE = re.compile(r"[^\w@%+=:,./-]")
"""What a path in a command is quoted for, which neither ``lsst.ctrl.bps`` nor Parsl does everywhere."""


def command_problem(path: Path) -> str | None:
    """Find out why the commands of the batch system cannot have a path.

    Parameters
    ----------
    path
        Of the run directory, or of the repository.

    Returns
    -------
    problem
        In words; None if all is well.
    """
    if strange := _STRANGE.findall(str(path)):
        return (
            f"the commands of the batch system cannot have {' or '.join(map(repr, dict.fromkeys(strange)))}"
        )
    return None


def submit_description(job: Job, pipeline: str, repository: Path, raw_collection: str, site: Path) -> str:
    """Describe a job so that its results are those of the process of pipetask.

    Parameters
    ----------
    job, pipeline
        The job, and the address of its pipeline without variables.
    repository, raw_collection
        Butler repository, and the input collection that the OCPS adds as the first one.
    site
        File with the site.

    Returns
    -------
    text
        YAML.
    """
    graph, quantum = _options(job.config.split())
    description = {
        "includeConfigs": [str(site)],
        "wmsServiceClass": SERVICE,
        "project": "ts_calibrations",
        "campaign": job.job_id,
        "operator": "ocps",
        "submitPath": str(job.folder / "submit"),
        "uniqProcName": f"{job.collection}/run".replace("/", "_"),
        "qgraphFileTemplate": "{uniqProcName}.qg",
        "qgraphFile": "",  # none is there
        "whenSaveJobQgraph": "NEVER",
        "pipelineYaml": _literally(shlex.quote(pipeline)),
        "payload": {
            "payloadName": job.calibration or "job",
            "butlerConfig": str(repository),
            "inCollection": ",".join([raw_collection, *job.inputs]),
            "output": job.collection,
            "outputRun": f"{job.collection}/run",
            "dataQuery": job.data_query,
        },
        "pipetaskDataQuery": f"-d {_literally(shlex.quote(job.data_query))}",
        "createQuantumGraph": _GRAPH,
        "runQuantumCommand": _QUANTUM,
        "pipetask": {"pipetaskInit": {"runQuantumCommand": _INIT}},
        "finalJob": {"command1": _FINAL},
        "defaultPreCmdOpts": "--long-log",
        "extraQgraphOptions": _literally(shlex.join(graph)),
        "extraRunQuantumOptions": _literally(shlex.join(quantum)),
        "dollar": "$",
    }
    return yaml.safe_dump(description, sort_keys=False, width=1000)


def _literally(text: str) -> str:
    """Write a text so that ``lsst.ctrl.bps`` finds no variables there."""
    return text.replace("{", "{{").replace("}", "}}").replace("$", "{dollar}")


def _options(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Options of making the graph, and those of running a quantum; the former refuses what neither has."""
    from lsst.ctrl.mpexec.cli.cmd.commands import qgraph, run, run_qbb

    of_run = {name: option for option in run.params for name in option.opts}
    of_quanta = _names(run_qbb) - _names(qgraph)
    graph: list[str] = []
    quantum: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name = word.partition("=")[0] if word.startswith("--") else word[:2]
        option = of_run.get(name)
        taken = [word]
        if name == word and rest and option is not None and not getattr(option, "is_flag", False):
            taken.append(rest.pop(0))
        if name not in _LEFT_OUT:
            (quantum if name in of_quanta else graph).extend(taken)
    return graph, quantum


def _names(command: click.Command) -> set[str]:
    """Names of the options of a command."""
    return {name for option in command.params for name in option.opts}
