"""A trial of a site: the batch system makes of it what it makes of it for a job, and starts nothing."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from lsst.ctrl.bps import BPS_DEFAULTS, BPS_SEARCH_ORDER, BpsConfig
from lsst.ctrl.bps.clustered_quantum_graph import QuantaCluster
from lsst.ctrl.bps.initialize import out_collection_validator
from lsst.ctrl.bps.parsl.configuration import set_parsl_logging
from lsst.ctrl.bps.parsl.site import SiteConfig
from lsst.ctrl.bps.parsl.workflow import ParslWorkflow
from lsst.ctrl.bps.prepare import prepare
from lsst.ctrl.bps.transform import transform
from lsst.daf.butler import Config
from lsst.utils import doImport
from parsl.utils import wtime_to_minutes

from ..pipelines import PIPELINES
from ..pipelines.ocps_job import Job
from .description import command_problem, submit_description

__all__ = ["try_site"]

_LEAST = {"cores": 1, "nodes": 1, "cores_per_node": 1, "mem_per_node": 1, "retries": 0}
"""Numbers of a site, and the least that each can be; Parsl takes 0 for no limit."""

_PROGRAMS = {
    "slurm": "sbatch",
    "torque": "qsub",
    "pbspro": "qsub",
    "grid_engine": "qsub",
    "lsf": "bsub",
    "condor": "condor_submit",
}
"""With what the providers of Parsl submit, by label."""

_TASK = "isr"


class _OnePart:
    """Stands for the graph of a job of one quantum, as the batch system reads it."""

    name = None
    qgraph = None

    def clusters(self) -> list[QuantaCluster]:
        part = QuantaCluster(_TASK, _TASK)
        part.add_quantum(uuid.UUID(int=0), _TASK)
        return [part]

    def get_quantum_info(self, _id: uuid.UUID) -> dict[str, str]:
        return {"task_label": _TASK}

    def successors(self, _part: QuantaCluster) -> list[QuantaCluster]:
        return []


def try_site(text: str, folder: Path) -> None:
    """Make a job of one part for a site, up to the commands of its workers.

    Parameters
    ----------
    text
        The site in YAML.
    folder
        An empty one, for the files of the job.

    Raises
    ------
    Exception
        Of whatever kind: the site cannot be used, as the text says.
    """
    site, description = folder / "site.yaml", folder / "submit.yaml"
    site.write_text(text, encoding="utf-8")
    job = Job("trial", f"{PIPELINES}/cpBias.yaml", "", "", folder)
    own = submit_description(job, job.pipeline, folder, "raw", site)
    description.write_text(own, encoding="utf-8")
    _check_included(yaml.safe_load(text).get("includeConfigs", []))
    Config(str(site))  # which says what is wrong with files that it includes
    config = BpsConfig(str(description), search_order=BPS_SEARCH_ORDER, defaults=BPS_DEFAULTS)
    _check_values(SiteConfig.from_config(config).site)
    _check_overridden(config, yaml.safe_load(own))
    out_collection_validator(config)
    config.generate_config()
    config[".bps_defined.runQgraphFile"] = str(folder / config["qgraphFileTemplate"])
    if ".parsl.log_level" in config:
        set_parsl_logging(config)
    if not callable(doImport(config["clusterAlgorithm"])):
        raise ValueError(f"clusterAlgorithm {config['clusterAlgorithm']} is no function")
    generic, generic_config = transform(config, _OnePart(), str(folder))
    workflow = prepare(generic_config, generic, str(folder))
    _check_parts(workflow)
    if problem := command_problem(Path(workflow.parsl_config.run_dir)):
        raise ValueError(f"run_dir {workflow.parsl_config.run_dir}: {problem}")
    for executor in workflow.parsl_config.executors:
        _check_provider(getattr(executor, "provider", None))


def _check_included(names: str | list[str]) -> None:
    """Refuse paths that are relative: to what, nobody knows who wrote them, as a job copies the site."""
    for name in [names] if isinstance(names, str) else names:
        if "://" not in name and not Path(name).is_absolute():
            raise ValueError(f"includeConfigs {name}: write an absolute path")


def _check_overridden(config: BpsConfig, own: Mapping[str, Any]) -> None:
    """Refuse what would be found before that which makes the job what it is."""
    as_written = {
        "curvals": {"curr_site": config["computeSite"]},
        "replaceVars": False,
        "expandEnvVars": False,
    }
    for name, value in {**own, **own["payload"]}.items():
        if isinstance(value, str) and config.search(name, as_written)[1] != value:
            raise ValueError(f"{name} is up to the job")


def _check_values(site: BpsConfig) -> None:
    """Refuse values of a site that have the right type and are wrong."""
    if site.get("environment", False):
        raise ValueError("environment has two meanings in lsst.ctrl.bps and its plug-in; leave it out")
    for name, least in _LEAST.items():
        value = site.get(name, None)
        if isinstance(value, bool) or (isinstance(value, int) and value < least):
            raise ValueError(f"{name} {value} is no number from {least} on")


def _check_parts(workflow: ParslWorkflow) -> None:
    """See whether a part has a command and an executor, and those before and after the parts are there."""
    if "pipetaskInit" not in workflow.jobs or workflow.final is None:
        raise ValueError("runInit or finalJob is switched off: no results would come into the repository")
    part = workflow.jobs[_TASK]
    part.evaluate_command_line(part.get_command_line())
    executors = [executor.label for executor in workflow.parsl_config.executors]
    if len(executors) > 1 and workflow.site.select_executor(part) not in executors:
        raise ValueError(f"no executor is named {workflow.site.select_executor(part)}")


def _check_provider(provider: object) -> None:
    """See whether blocks of workers can be submitted from here, as far as this can be known."""
    program = _PROGRAMS.get(str(getattr(provider, "label", "")).lower())
    if program is not None and shutil.which(program) is None:
        raise ValueError(f"{program}, which submits the workers, is not on this machine")
    walltime = getattr(provider, "walltime", None)
    if walltime is None:
        return
    try:
        minutes = wtime_to_minutes(walltime)
    except ValueError:
        minutes = 0
    if minutes < 1:
        raise ValueError(f"walltime {walltime} is no time HH:MM:SS of a minute or more")
