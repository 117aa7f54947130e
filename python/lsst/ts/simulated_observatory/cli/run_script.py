"""The command ``run_script``: run a calibration script in the simulated observatory."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path

import click

from lsst.ts.calibrations.sal_choice import salobj_is_installed

from ..repository.database import Database
from ..sal_names import use_embedded_sal
from .options import path_option, print_anything, read_level, simulation_options

__all__ = ["main"]


def _choose_sal(simulate: bool) -> None:
    """Use the embedded SAL, unless the real one is there and no simulation was asked for.

    The choice falls when a script is imported, so none may be imported before.
    """
    if not simulate and salobj_is_installed():
        raise click.UsageError(
            "lsst.ts.salobj is installed here. On the observatory's bus the ScriptQueue runs the script; to"
            " run it in the simulated observatory, say --simulate."
        )
    use_embedded_sal()


def _complete_scripts(_context: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Paths of scripts for the completion of the shell."""
    from .scripts import SCRIPTS

    return [each for each in SCRIPTS if each.startswith(incomplete)]


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("script", required=False, shell_complete=_complete_scripts)
@path_option("-c", "--config", "config_file", help="YAML file with the configuration.")
@click.option(
    "-p",
    "--parameter",
    "parameters",
    multiple=True,
    metavar="KEY=VALUE",
    help="Set one option of the configuration; can be repeated.",
)
@click.option("--schema", is_flag=True, help="Print the JSON schema of the configuration and exit.")
@click.option(
    "--index",
    type=click.IntRange(1, 2**31 - 1),
    default=1,
    show_default=True,
    help="SAL index of the script.",
)
@click.option(
    "-l",
    "--log-level",
    callback=read_level,
    default="INFO",
    show_default=True,
    metavar="LEVEL",
    help="Lowest level to log: DEBUG, INFO, WARNING, ERROR, or its number.",
)
@click.option(
    "--simulate",
    is_flag=True,
    help="Needed where salobj is installed; elsewhere the observatory is always simulated.",
)
@simulation_options("Run directory", "2025-01-15")
@path_option(
    "--resume",
    metavar="DIR",
    help="Resume the run in this run directory, which was killed, stopped or failed.",
)
@click.option(
    "--plan",
    is_flag=True,
    help="Show what would be taken, how long it lasts, and what is certified where; nothing is run.",
)
@click.version_option(package_name="ts-calibrations")
@click.pass_context
def main(
    context: click.Context,
    script: str | None,
    config_file: Path | None,
    parameters: tuple[str, ...],
    schema: bool,
    index: int,
    log_level: int,
    simulate: bool,
    out: Path | None,
    repo: Path | Database | None,
    scale: int,
    seed: int,
    date: datetime.date | None,
    collections: tuple[str, ...],
    batch: str | None,
    reference: str,
    faults: tuple[str, ...],
    resume: Path | None,
    plan: bool,
) -> None:
    """Run SCRIPT, a path as the ATQueue lists it, in the simulated observatory.

    Without -c and -p it runs with the defaults: the daily calibration. A run that is resumed needs no SCRIPT.
    Exit status: 0 DONE or STOPPED, 1 FAILED, 2 refused before anything was exposed.

    \b
    SCRIPT is one of:
      auxtel/make_latiss_calibrations.py
      maintel/make_comcam_calibrations.py
      maintel/make_lsstcam_calibrations.py
      maintel/make_latiss_calibrations.py (the same as in auxtel)
    \f

    Parameters
    ----------
    context, script, config_file, parameters, schema, index, log_level, simulate, resume, plan
        As the help texts of the options say; `context` has which of them were given.
    out, repo, scale, seed, date, collections, batch, reference, faults
        As the help texts of the options say.

    Raises
    ------
    click.UsageError
        The options do not fit each other; nothing was touched.
    """  # noqa: D301 (click shows nothing that comes after a form feed)
    print_anything()
    _choose_sal(simulate or schema)
    from .scripts import SCRIPTS, find_script, script_of_run

    if script is None:
        if resume is None:
            raise click.UsageError(f"name a SCRIPT; there are {', '.join(SCRIPTS)}")
        script = script_of_run(resume)
    script_class = find_script(script)
    if schema:
        import yaml

        click.echo(yaml.safe_dump(script_class.get_schema(), sort_keys=False), nl=False)
        return
    from ..session.checks import run_folder
    from ..session.request import RunRequest  # this imports more than the schema needs
    from ..session.resumption import resumed_request
    from ..session.simulated_run import plan_run, simulate_run
    from .configuration import configuration_text

    if resume is not None and plan:
        raise click.UsageError("--plan is about a new run: leave --resume out. Nothing was touched.")
    if resume is not None:
        text, request = resumed_request(context, resume, script_class, faults, batch)
    else:
        text = configuration_text(config_file, parameters)
        request = RunRequest(
            folder=run_folder(out, Path(script).stem),
            repository=repo,
            scale=scale,
            seed=seed,
            night=date,
            collections=collections,
            batch=batch,
            faults=faults,
            measured=reference == "measured",
        )
    if plan:
        sys.exit(plan_run(script_class, text, request))
    sys.exit(simulate_run(script_class, text, request, index=index, log_level=log_level))


if __name__ == "__main__":
    main(prog_name="bin/run_script", complete_var="_RUN_SCRIPT_COMPLETE")
