"""The end of a run in one table: what was taken, what failed, what was certified, and what to do next."""

from __future__ import annotations

import re
import shlex
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS, PAIR_GAINS
from lsst.ts.calibrations.domain.errors import KEPT_OF_BEFORE, PREFLIGHT
from lsst.ts.calibrations.domain.text import first_lines, plain
from lsst.ts.calibrations.journal.journal import JOURNAL
from lsst.ts.calibrations.journal.summary import SUMMARY, brief_reason, failed_logs, is_used
from lsst.ts.calibrations.report.failures import failure_lines
from lsst.ts.calibrations.report.verification import NEGATIVE
from lsst.ts.calibrations.run.page_process import PAGE, PAGE_LOG

__all__ = ["for_command_line", "resume_command", "show_overview"]

LABEL = len("CONFIGURE_FAILED")
"""Width of the labels below the table."""

MOST_LINES = 3
"""Lines of a reason that lists no problems, and lines on what failed."""

_OPTION = r"'(\w+): ([^'\n]*)'"  # a line of a configuration, as messages name it
_ADVICE = re.compile(rf"(?<=[Ww]rite ){_OPTION}(?:(?:,| and) {_OPTION})*")
_VERDICTS = re.compile(r".*( passed verification \(.*?\)| certified (UNVERIFIED )?in [^;]+)", re.DOTALL)
_LINE_TO_COPY = re.compile(r"^ {8}\w+: ", re.MULTILINE)
_COMMANDS = Path(__file__).parents[5] / "bin"  # of the checkout; a package that is installed has none

STYLES = {
    "DONE": "bold green", "FAILED": "bold red", "CONFIGURE_FAILED": "bold red", "STOPPED": "bold yellow",
    "passed": "green", "failed": "red", "rejected": "red", "incomplete": "red", "not done": "yellow",
}  # fmt: skip
"""Colours of states and verdicts."""


def show_overview(summary: Mapping[str, Any], folder: Path, console: Console) -> None:
    """Print how a run ended.

    Parameters
    ----------
    summary, folder, console
        Summary of the run, its directory, and where to print.
    """
    rows = list(_rows(summary))
    if rows:
        table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
        for name in ("Type", "Exposures", "Failed tests", "Verdict"):
            table.add_column(name, overflow="fold")
        table.add_column("Certified into", no_wrap=True)  # a name in one piece can be copied
        for row in rows:
            table.add_row(*row[:3], Text(row[3], STYLES.get(row[3], "")), row[4])
        width = max(console.width, console.measure(table).minimum)
        console.print("", table, "", sep="\n", width=width, crop=False)
    whole = (str(folder), resume_command(folder))
    for label, text, style in _lines(summary, folder, console.width):
        if not style and any(each in text for each in whole):  # in one piece it can be copied
            words = Text.assemble((f"{label:<{LABEL}} ", style or "bold"), plain(text))
            console.print(words, soft_wrap=True)
            continue
        line = Table.grid(padding=(0, 1))
        line.add_column(width=LABEL, no_wrap=True)
        line.add_column(overflow="fold")
        line.add_row(Text(label, style or "bold"), Text(plain(text)))
        console.print(line)


def _rows(summary: Mapping[str, Any]) -> Iterator[tuple[str, str, str, str, str]]:
    """One row for each type of which images were taken, or that was verified or to be made."""
    used = _used(summary)
    steps = [each["step"] for each in summary["not_done"]]
    for name, calibration in CALIBRATIONS.items():
        left = [step for step in steps if step.endswith(f" {name}")]
        if calibration.image_type is None and not left and name not in summary["verification"]:
            continue
        if calibration.image_type is not None and name not in used and not left:
            continue
        verdict = summary["verification"].get(name)
        certified = [
            each for each in summary["certified"] if each["dataset_type"] == calibration.dataset_type
        ]
        yield (
            name,
            used.get(name) or _none_of(summary["config"].get(calibration.option_of("n"))),
            _failed(verdict),
            _verdict(verdict, bool(left)),
            "\n".join(each["collection"] + ("" if each["verified"] else " UNVERIFIED") for each in certified),
        )
    if pairs := {tuple(each["exposures"]) for each in summary["gains"]}:
        n = len(pairs)
        yield PAIR_GAINS.title.partition(" ")[0], f"{n} pair{'s' if n != 1 else ''}", "", "measured", ""


def _none_of(wanted: int | None) -> str:
    return "" if wanted is None else f"0 of {wanted}"


def _used(summary: Mapping[str, Any]) -> dict[str, str]:
    """How many exposures of each type are used, of how many; and all others, where the reason counts all."""
    used: dict[str, str] = {}
    for name, calibration in CALIBRATIONS.items():
        taken = [each for each in summary["exposures"] if each["image_type"] == name]
        if calibration.image_type is None or not taken:
            continue
        kept = sum(map(is_used, taken))
        left_out = {each["exposure"] for each in summary.get("left_out", ()) if each["calibration"] == name}
        wanted = summary["config"].get(calibration.option_of("n"))
        used[name] = f"{kept - len(left_out)}" + (f" of {wanted}" if wanted is not None else "")
        others = {
            "left out": len(left_out),
            "discarded": sum(each["discarded"] and not each.get("lost") for each in taken),
            "lost": sum(bool(each.get("lost")) for each in taken),
            "not confirmed": sum(
                not (each["ingested"] or each["discarded"] or each.get("lost")) for each in taken
            ),
        }
        if " taken and " in summary["reason"] and any(others.values()):
            used[name] += f" + {', '.join(f'{n} {what}' for what, n in others.items() if n)}"
    return used


def _failed(verdict: Mapping[str, Any] | None) -> str:
    if verdict is None:
        return ""
    return f"{verdict['n_failed']}" + (f" of {verdict['n_tests']}" if verdict["n_tests"] else "")


def _verdict(verdict: Mapping[str, Any] | None, left: bool) -> str:
    if verdict is None:
        return "not done" if left else ""
    if not verdict["complete"]:
        return "incomplete"
    if verdict["passed"]:
        return "passed"
    return "failed" if verdict["generation_collection"] is None else "rejected"


def _lines(summary: Mapping[str, Any], folder: Path, width: int) -> Iterator[tuple[str, str, str]]:
    """Label, text and style of what stands below the table."""
    state = summary["state"]
    logs = failed_logs(summary)
    reason = brief_reason(summary)
    if state == "DONE":  # the table has the verdicts, but no warning
        reason = "" if NEGATIVE in reason else _VERDICTS.sub("", reason).removeprefix("; ")
    for said in ("stopped; ", f" See {folder}."):
        reason = reason.replace(said, "", 1)  # state and lines below say it
    yield state, _shown(for_command_line(reason), max(width - 20, 20)), STYLES.get(state, "bold")
    yield from (("What failed" if not n else "", each, "red") for n, each in enumerate(what_failed(summary)))
    for log in logs[-1:]:
        yield "Log of the job", log, ""
    if (folder / PAGE).exists():
        yield "Page", str(folder / PAGE), ""
    elif (page_log := folder / PAGE_LOG).exists():
        why = f"not drawn yet, see {PAGE_LOG}" if page_log.stat().st_size else "being drawn"
        yield "Page", f"{folder / PAGE} ({why})", ""
    yield "Run directory", str(folder), ""
    if next_step := _next_step(summary, folder):
        yield "Next", next_step, ""
        if logs and next_step == resume_command(folder):  # it may be in vain
            yield "", "which does the failed job again, with the same images", ""


def _shown(reason: str, width: int) -> str:
    """Wrap a reason; one that lists problems is shown to its end, of others the first lines."""
    wrapped = list[str]()
    for line in reason.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        wrapped += textwrap.wrap(
            line.strip(),
            width,
            initial_indent=indent,
            subsequent_indent=indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
    if "\n  - " not in reason and len(wrapped) > MOST_LINES:
        more = f" ... (all in {SUMMARY})"
        last, room = wrapped[MOST_LINES - 1].partition("... (")[0], width - len(more)
        if len(last) > room:
            last = last[:room].rpartition(" ")[0]
        wrapped[MOST_LINES - 1 :] = [f"{last.rstrip(' .,;:')}{more}"]
    return "\n".join(wrapped)


def for_command_line(text: str) -> str:
    """Add to each line of a configuration that a message advises to write the same for ``-p``.

    Parameters
    ----------
    text
        E.g. ``write 'n_bias: 3'``.

    Returns
    -------
    text
        E.g. ``write 'n_bias: 3', or -p n_bias=3``.
    """

    def both(match: re.Match[str]) -> str:
        options = [shlex.quote(f"{name}={value}") for name, value in re.findall(_OPTION, match[0])]
        return f"{match[0]}, or -p {' -p '.join(options)}"

    return _ADVICE.sub(both, text)


def resume_command(folder: Path) -> str:
    """Write the command that resumes a run.

    Parameters
    ----------
    folder
        Its directory.

    Returns
    -------
    command
        For the shell, as it works in the present folder.
    """
    near, here = Path("bin/run_script"), _COMMANDS / "run_script"
    if not here.exists():
        here = Path(sys.executable).with_name(here.name)
    is_near = near.exists() and here.exists() and near.samefile(here)
    return shlex.join([str(near if is_near else here), "--resume", str(folder)])


def what_failed(summary: Mapping[str, Any], most: int = MOST_LINES) -> Sequence[str]:
    """Say in a few lines which tests failed, those that count only.

    Parameters
    ----------
    summary, most
        Summary of a run, and the number of lines for each calibration.

    Returns
    -------
    lines
        With the calibration first.
    """
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for each in summary.get("tests", ()):
        if each["counted"]:
            by_name.setdefault(each["calibration"], []).append(each)
    lines = [f"{name}: {line}" for name, tests in by_name.items() for line in failure_lines(tests, most=most)]
    return first_lines(lines, most)


def _next_step(summary: Mapping[str, Any], folder: Path) -> str:
    """What can be done with a run that is not DONE."""
    if summary["state"] == "DONE":
        return ""
    on_the_bus = summary.get("seed") is None
    resume = f"in the queue, add the script with resume: {folder}" if on_the_bus else resume_command(folder)
    if lasting := dict.fromkeys(each for step in summary["not_done"] for each in step.get("lasting", ())):
        return f"start a new run: resuming cannot change that {', and that '.join(lasting)}"
    as_before = f"if the configuration is not to be changed: correct that, and {resume}"
    if not summary["exposures"]:
        if KEPT_OF_BEFORE in summary["reason"]:
            return as_before
        if PREFLIGHT not in summary["reason"] and (folder / JOURNAL).exists():
            return resume  # an exposure may have been under way
        if summary["state"] == "STOPPED":
            return "give the command again"
        options = "; with -p write KEY=VALUE" if _LINE_TO_COPY.search(summary["reason"]) else ""
        return f"correct that and give the command again{options}"
    steps = {each["step"] for each in summary["not_done"]}
    rejected = [
        name
        for name, verdict in summary["verification"].items()
        if not verdict["passed"] and {f"verify {name}", f"certify {name}"} & steps
    ]
    if rejected:
        return f"start a new run: resuming cannot change that {', '.join(rejected)} failed"
    if limits := summary.get("time_limits_too_short"):
        longer = "; ".join(limits)
        return f"start a new run with a longer limit ({longer}); if a component was at fault, {resume}"
    if PREFLIGHT in summary["reason"]:
        return as_before
    return resume
