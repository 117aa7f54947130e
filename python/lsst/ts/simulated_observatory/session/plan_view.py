"""What a configuration will take, without a run: images, duration, jobs, disk, what is certified where."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lsst.ts.calibrations.config.config import CalibrationConfig, Findings
from lsst.ts.calibrations.domain.calibrations import step_name
from lsst.ts.calibrations.domain.text import plain
from lsst.ts.calibrations.workflow.plan import Plan, make_plan
from lsst.ts.calibrations.workflow.workflow import make_workflow

from .flat_light import light_warnings
from .overview import for_command_line
from .setup import SimulationSetup

__all__ = ["show_plan"]

REFUSED = 2
"""Exit status if the script would refuse the configuration."""


def show_plan(findings: Findings, setup: SimulationSetup, console: Console) -> int:
    """Print what a configuration will take.

    Parameters
    ----------
    findings, setup, console
        What was found in the configuration, the simulation in which it would run, and where to print.

    Returns
    -------
    status
        0, or 2 if the script would refuse the configuration.
    """
    for problem in findings.errors:
        console.print(f"CONFIGURE_FAILED: {for_command_line(plain(problem))}", markup=False, soft_wrap=True)
    config = findings.config
    if config is None:
        return REFUSED
    plan = make_plan(config, setup.instrument, advice=light_warnings(config, setup.instrument))
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in ("Type", "Images", "Discarded", "Exposure times", "Detectors"):
        table.add_column(name, overflow="fold")
    for each in plan.sets:
        times = _times(each.kept_times)
        n = str(len(config.detectors))
        table.add_row(each.image_type.value, str(each.n_images), str(each.n_discard), times, n)
    console.print("", table, "", sep="\n")
    for label, text in _lines(config, plan, setup):
        line = Table.grid(padding=(0, 1))
        line.add_column(width=10, style="bold")
        line.add_column(overflow="fold")
        line.add_row(label, plain(text))
        console.print(line)
    for warning in (*findings.notes, *findings.warnings, *plan.warnings):
        console.print(
            f"WARNING {for_command_line(plain(warning))}", style="yellow", markup=False, soft_wrap=True
        )
    return 0


def _lines(config: CalibrationConfig, plan: Plan, setup: SimulationSetup) -> Iterator[tuple[str, str]]:
    workflow = make_workflow(config)
    yield (
        "Duration",
        f"about {_minutes(plan.duration)}, of which exposures and readouts {_minutes(plan.floor)}",
    )
    jobs = [step_name(kind, name) for kind, name in workflow.jobs]
    yield "Jobs", ", ".join(jobs) or "none"
    if types := workflow.dataset_types_to_certify:
        validity = f"valid from {config.certify_begin} to {config.certify_end} (TAI)"
        yield "Certified", f"{', '.join(types)} in {config.calib_collection}, {validity}, if verified"
    else:
        yield "Certified", "nothing"
    needed, reference = setup.disk_space()
    once = "" if reference is None else f"; reference calibrations: {_bytes(reference)} more, the first time"
    yield "Disk", f"up to {_bytes(needed)} in the run directory{once}"
    new, seconds = setup.to_draw()
    if new:
        detectors = f"{new} detector{'s' if new > 1 else ''}"
        yield (
            "Once",
            f"reference calibrations of {detectors} are drawn, about {_minutes(seconds)} on two cores",
        )


def _times(times: Sequence[float]) -> str:
    """Exposure times, each once, with how often it comes."""
    shown = [f"{times.count(each)} x {each:g} s" for each in dict.fromkeys(times)]
    return ", ".join(shown)


def _minutes(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def _bytes(number: float) -> str:
    return f"{number / 1e9:.1f} GB" if number >= 1e9 else f"{number / 1e6:.0f} MB"
