"""Examining a configuration text: every problem at once, and a text that the base class can parse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ..domain.instruments import Instrument
from ..domain.text import plain
from .rules import rule_problems, rule_warnings
from .schema import defaults
from .values import adopt_detectors, rename_unknown, wrong_values
from .yaml_text import read_mapping

__all__ = ["Findings", "examine"]

MOST_PROBLEMS = 40
"""Problems that are told one by one."""

LONGEST = 4000
"""Characters of one problem or remark; the longest are proposed lists of exposure times."""

_WITHOUT_EFFECT = {
    "background_task_timeout": "processing is waited for until it ends",
    "max_counter_archiver_check": "each image is confirmed by the events of the OODS, within oods_timeout",
}
"""Options of older configurations, and what happens instead of what they asked for."""


@dataclass(frozen=True)
class Findings:
    """What a configuration text says and what is wrong with it.

    Parameters
    ----------
    text
        The same options as YAML that the base class reads as they are meant (dates in quotation marks,
        detectors as a list). Of use only if there are no errors.
    errors
        Every problem found; a script with one of them must not be run.
    warnings
        What is possible but may not be what is wanted.
    notes
        How a value was understood, where it was not given in the usual form.
    """

    text: str
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def examine(text: str, schema: Mapping[str, Any], instrument: Instrument) -> Findings:
    """Examine a configuration before anything is done with it.

    Parameters
    ----------
    text
        As the operator typed it; an empty one stands for all defaults.
    schema
        Schema of the script.
    instrument
        Instrument of the script.

    Returns
    -------
    findings
        Never an exception, whatever the text.
    """
    read, errors = read_mapping(text)
    read.pop("metadata", None)  # the base class leaves it to the queue, too
    options, unknown = rename_unknown(read, schema)
    notes = adopt_detectors(options)
    wrong = wrong_values(options, schema)
    errors += [*unknown, *wrong.values()]
    standard = defaults(schema)
    full = {**standard, **options}
    errors += rule_problems(full, instrument, given=options, standard=standard, unusable=wrong.keys())
    warnings = [] if errors else rule_warnings(full, options)
    notes += [
        f"{option} has no effect: {instead}"
        for option, instead in _WITHOUT_EFFECT.items()
        if options.get(option) is not None
    ]
    return Findings(
        text=yaml.safe_dump(options, sort_keys=False) if options else "",
        errors=_told(errors),
        warnings=_told(warnings),
        notes=_told(notes),
    )


def _told(remarks: Sequence[str]) -> tuple[str, ...]:
    """Remarks as they are shown: a bad text has thousands of problems, and repeats what cannot be shown."""
    shown = [plain(remark, LONGEST) for remark in remarks[:MOST_PROBLEMS]]
    if len(remarks) > MOST_PROBLEMS:
        shown.append(f"there are {len(remarks) - MOST_PROBLEMS} more problems")
    return tuple(shown)
