"""A trial of a site: its plug-in makes of it what it makes of it for a job, and starts nothing."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lsst.ctrl.bps import BPS_DEFAULTS, BpsConfig, GenericWorkflowJob
from lsst.ctrl.bps.parsl.job import ParslJob
from lsst.ctrl.bps.parsl.site import SiteConfig

from .description import SERVICE, command_problem

__all__ = ["try_site"]

_PROGRAMS = {
    "slurm": "sbatch squeue scancel",
    "torque": "qsub qstat qdel",
    "pbspro": "qsub qstat qdel",
    "grid_engine": "qsub qstat qdel",
    "lsf": "bsub bjobs bkill",
    "condor": "condor_submit condor_q condor_rm",
}
"""With what the providers of Parsl submit, follow and end their workers, by label."""


def try_site(entries: Mapping[str, Any]) -> None:
    """See whether the workers of a site could be asked for, and have a place for their files.

    Parameters
    ----------
    entries
        Of the site.

    Raises
    ------
    Exception
        Of whatever kind: the site cannot be used, as the text says.
    """
    config = BpsConfig(
        {**entries, "wmsServiceClass": SERVICE, "operator": "trial", "submitPath": ""}, defaults=BPS_DEFAULTS
    )
    site = SiteConfig.from_config(config)
    site.get_command_prefix()
    parsl = site.get_parsl_config()
    part = ParslJob(GenericWorkflowJob("isr", "isr", request_memory=config["requestMemory"]), config, {})
    labels = [executor.label for executor in parsl.executors]
    if len(labels) > 1 and (label := site.select_executor(part)) not in labels:
        raise ValueError(f"no executor is named {label}")
    _check_folder(parsl.run_dir)
    for executor in parsl.executors:
        label = str(getattr(getattr(executor, "provider", None), "label", "")).lower()
        for program in _PROGRAMS.get(label, "").split():
            if shutil.which(program) is None:
                raise ValueError(f"{program}, which handles the workers, is not on this machine")


def _check_folder(name: str) -> None:
    """See whether the folder of Parsl can be made, and written to; what was not there is removed again."""
    if not name:
        raise ValueError("run_dir is empty")
    if problem := command_problem(Path(name)):
        raise ValueError(f"run_dir {name}: {problem}")
    with tempfile.TemporaryDirectory() as job:
        folder = Path(job, name)
        new = [each for each in (folder, *folder.parents) if not each.exists()]
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise ValueError(f"run_dir {name}: {error.strerror}") from None
        finally:
            for each in new:
                with contextlib.suppress(OSError):
                    each.rmdir()
