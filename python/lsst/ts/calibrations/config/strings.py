"""Checking texts that go elsewhere: to pipetask, to the Butler, into the headers of the camera.

None of them passes a shell. They are checked all the same, since whoever receives them splits them at blanks,
commas or colons.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .values import show

__all__ = ["LONGEST_NAME", "collection_names", "text_problems"]

LONGEST = 2000
"""Characters that any text may have."""

LONGEST_NAME = 64
"""Characters of the name of a collection, a filter or a program: the Butler has no room for more."""

LONGEST_REASON = 68
"""Characters of a reason: the Butler has no room for more."""

_COLLECTION = re.compile(r"(?!/)(?!.*(//|/$))[A-Za-z0-9_./][A-Za-z0-9_./-]*")
_CLIMBING = re.compile(r"(^|/)\.\.?(/|$)")
_REPOSITORY = re.compile(r"[A-Za-z0-9_./][A-Za-z0-9_./:+~@-]*")
_SLOT_NAME = re.compile(r"[A-Za-z0-9_.+~][A-Za-z0-9_.+~-]*")
_FIELD = re.compile(r"[A-Za-z_]\w*:[A-Za-z_][\w.\[\]'\"-]*=.+")
_FILE = re.compile(r"[A-Za-z_]\w*:[A-Za-z0-9_./$@{}+-]+")
_PIPETASK = {"-c": _FIELD, "--config": _FIELD, "-C": _FILE, "--config-file": _FILE}
_UNSAFE = re.compile(r"[;|&`<>\\]|\$\(|[^ -~]")
_PLACEHOLDER = re.compile(r"\$|[<{].*[>}]")
_NOTHING = ("none", "null", "nil", "nan", "default")


def collection_names(text: str) -> tuple[str, ...]:
    """Split a list of collections at its commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def text_problems(options: Mapping[str, Any]) -> dict[str, str]:
    """Find options whose text would be misunderstood where it goes.

    Parameters
    ----------
    options
        Options and their values; values that are not text are passed over.

    Returns
    -------
    problems
        By option.
    """
    problems = {}
    for option, value in options.items():
        texts = list(value.values()) if option == "test_case" and isinstance(value, dict) else [value]
        for text in texts:
            problem = _problem(option, text) if isinstance(text, str) else None
            if problem is not None:
                problems[option] = f"{option}: {problem}"
    return problems


def _problem(option: str, text: str) -> str | None:
    if len(text) > LONGEST:
        return f"{show(text)} has {len(text)} characters; {LONGEST} is the most"
    if not text.isprintable():
        strange = next(letter for letter in text if not letter.isprintable())
        return (
            f"{show(text)} holds a line break or a character that cannot be printed ({ord(strange):#x});"
            " write it in one line"
        )
    for prefix, check in _CHECKS.items():
        if option.startswith(prefix):
            return check(text)
    return None


def _check_collections(text: str) -> str | None:
    parts = [part.strip() for part in text.split(",")]
    if long := [part for part in parts if len(part) > LONGEST_NAME]:
        return f"{show(long[0])} has {len(long[0])} characters; the Butler has names of up to {LONGEST_NAME}"
    bad = [part for part in parts if not _COLLECTION.fullmatch(part) or _CLIMBING.search(part)]
    if not bad:
        return None
    return (
        f"{show(bad[0]) if bad[0] else 'an empty name'} is no name of a collection; names consist of letters,"
        " digits and . _ -, with / between them, and a comma stands between two names, e.g."
        " u/czw/DM-28920/calib.20210720,LATISS/calib"
    )


def _check_one_collection(text: str) -> str | None:
    return "one collection is needed, not a list of them" if "," in text else _check_collections(text)


def _check_repository(text: str) -> str | None:
    if _REPOSITORY.fullmatch(text):
        return None
    return f"{show(text)} is no path or label of a Butler repository, e.g. /repo/LATISS"


def _check_filter(text: str) -> str | None:
    return _check_slot(text, "filter", "SDSSr_65mm")


def _check_grating(text: str) -> str | None:
    return _check_slot(text, "grating", "empty_1")


def _check_slot(text: str, kind: str, example: str) -> str | None:
    if _PLACEHOLDER.search(text):
        return (
            f"{show(text)} stands for a name; write that name, e.g. {example}, or leave the line out to leave"
            f" the {kind} as it is"
        )
    if text.lower() in _NOTHING:
        return f"{show(text)} is taken for a name; leave the line out to leave the {kind} as it is"
    is_name = _SLOT_NAME.fullmatch(text) and len(text) <= LONGEST_NAME and text.strip(".")
    return None if is_name else f"{show(text)} is no name of a {kind}"


def _check_note(text: str) -> str | None:
    if text.isascii():
        return None
    strange = next(letter for letter in text if not letter.isascii())
    return f"{show(text)} holds {strange!r}, and a FITS header takes ASCII letters only"


def _check_program(text: str) -> str | None:
    return _check_header_value(text, LONGEST_NAME)


def _check_reason(text: str) -> str | None:
    return _check_header_value(text, LONGEST_REASON)


def _check_header_value(text: str, most: int) -> str | None:
    if (problem := _check_note(text)) is not None:
        return problem
    if len(text) > most:
        return f"{show(text)} has {len(text)} characters, and the Butler keeps {most}; put the rest into note"
    if "," in text or ":" in text:
        return f"{show(text)} holds a comma or colon, which the camera takes for the end of the text; omit it"
    return None


def _check_pipetask_options(text: str) -> str | None:
    """Only ``-c label:field=value`` and ``-C label:file``: nothing that changes inputs or outputs."""
    unsafe = _UNSAFE.search(text)
    if unsafe:
        return f"{show(unsafe[0])} is not possible here; no shell is used, so that it would mean nothing"
    return _first_problem(text.split())


def _first_problem(words: Sequence[str]) -> str | None:
    rest = iter(words)
    for word in rest:
        flag, joined, value = word.partition("=") if word.startswith("--") else (word[:2], word[2:], word[2:])
        pattern = _PIPETASK.get(flag)
        if pattern is None:
            return (
                f"{show(word)} is not possible; only '-c label:field=value' and '-C label:file' are, and"
                " blanks always separate, also within quotation marks"
            )
        value = value if joined else next(rest, "")
        if not pattern.fullmatch(value):
            form = "label:field=value" if pattern is _FIELD else "label:file"
            return f"{show(f'{flag} {value}'.strip())} is not of the form '{flag} {form}'"
    return None


_CHECKS: Mapping[str, Callable[[str], str | None]] = {
    "input_collections_": _check_collections,
    "calib_collection": _check_one_collection,
    "config_options_": _check_pipetask_options,
    "repo": _check_repository,
    "filter": _check_filter,
    "grating": _check_grating,
    "program": _check_program,
    "reason": _check_reason,
    "note": _check_note,
}
