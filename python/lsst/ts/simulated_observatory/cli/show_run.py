"""The command ``show_run``: how a run ended, its page, what can go, and what changed since another run."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from lsst.ts.calibrations.domain.text import first_lines, one_line
from lsst.ts.calibrations.journal.journal import JOURNAL
from lsst.ts.calibrations.journal.summary import SUMMARY
from lsst.ts.calibrations.run.page_process import PAGE

from ..session.overview import resume_command, show_overview
from .cleaning import clean
from .comparison import changes, failure_changes
from .options import path_option, print_anything

__all__ = ["main"]

RUNS = Path("runs")
"""Where runs are that have no place of their own."""

MOST_CHANGES = 20
"""Changes that are shown."""

SIGNIFICANT = 3.0
"""Standard errors from which on a change is worth a look."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--open", "open_page", is_flag=True, help="Open the page of the run in a browser.")
@path_option("--compare", metavar="DIR", help="Show what changed since the run in this directory.")
@click.option(
    "--clean",
    "cleaned",
    is_flag=True,
    help="Delete the processed images of the run, after asking; calibrations, raws and results stay.",
)
@click.option("--yes", is_flag=True, help="With --clean: do not ask.")
@click.version_option(package_name="ts-calibrations")
def main(folder: Path | None, open_page: bool, compare: Path | None, cleaned: bool, yes: bool) -> None:
    """Show how the run in DIR ended; by default the last one below runs/.

    Exit status: 0, or 2 if there is no such run.
    \f

    Parameters
    ----------
    folder, open_page, compare, cleaned, yes
        As the help texts say.

    Raises
    ------
    click.UsageError
        There is no such run, or it has no page.
    """  # noqa: D301 (click shows nothing that comes after a form feed)
    print_anything()
    console = Console()
    folder = (_last_run() if folder is None else folder).absolute()
    if open_page and not (folder / SUMMARY).exists() and (folder / PAGE).exists():
        _open_page(folder, console)  # of a run that was killed
        return
    summary = _summary(folder)
    if compare is not None:
        _show_changes(compare.absolute(), _summary(compare.absolute()), folder, summary, console)
        return
    if cleaned:
        clean(folder, summary, console, yes=yes)
        return
    show_overview(summary, folder, console)
    if open_page:
        if not (folder / PAGE).exists():
            raise click.UsageError(f"{folder} has no page {PAGE}")
        _open_page(folder, console)


def _open_page(folder: Path, console: Console) -> None:
    if not webbrowser.open((folder / PAGE).as_uri()):
        text = f"No browser could be started here; the page is {folder / PAGE}"
        console.print(text, markup=False, highlight=False, soft_wrap=True)


def _last_run() -> Path:
    found = [each for each in RUNS.glob("*") if (each / SUMMARY).exists()] if RUNS.is_dir() else []
    if not found:
        raise click.UsageError(f"there is no run below {RUNS.absolute()}: name a run directory")
    return max(found, key=lambda each: (each / SUMMARY).stat().st_mtime)


def _summary(folder: Path) -> Mapping[str, Any]:
    """The summary of a run; click.UsageError if there is none."""
    if not folder.is_dir():
        raise click.UsageError(f"{one_line(folder, 200)}: there is no such folder")
    path = folder / SUMMARY
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(summary, dict) or "state" not in summary:
            raise ValueError("it is not that of a run")
    except FileNotFoundError:
        killed = f" If one was killed, go on with it: {resume_command(folder)}"
        raise click.UsageError(
            f"{folder} has no {SUMMARY}: no run has ended there."
            + (killed if (folder / JOURNAL).exists() else "")
        ) from None
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path} cannot be read: {one_line(error, 200)}") from None
    return summary


def _show_changes(
    before: Path, earlier: Mapping[str, Any], after: Path, later: Mapping[str, Any], console: Console
) -> None:
    """Print the changes, the most significant first."""
    console.print(f"before: {before}\nafter:  {after}", markup=False, highlight=False, soft_wrap=True)
    found = changes(earlier, later)
    significant = [each for each in found if each.sigma is not None and abs(each.sigma) >= SIGNIFICANT]
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in ("Quantity", "Where", "Before", "After", "Sigma"):
        table.add_column(name, justify="left" if name in ("Quantity", "Where") else "right", overflow="fold")
    for each in significant[:MOST_CHANGES]:
        numbers = f"{each.before:.4g}", f"{each.after:.4g}", f"{each.sigma:+.1f}"
        table.add_row(each.quantity, each.place, *numbers)
    if not found:
        console.print("Nothing to compare: there is no quantity that both runs have measured.")
        return
    if significant:
        console.print("", table, "", sep="\n")
    if len(significant) > MOST_CHANGES:
        console.print(f"... and {len(significant) - MOST_CHANGES} more")
    without = sum(each.sigma is None for each in found)
    console.print(
        f"{len(significant)} of {len(found)} quantities changed by {SIGNIFICANT:g} sigma or more"
        + (f"; {without} were measured once only and have no sigma." if without else "."),
        highlight=False,
    )
    failures = list(failure_changes(earlier, later))
    for line in first_lines(failures, MOST_CHANGES):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main(prog_name="bin/show_run")
