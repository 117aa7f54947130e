"""Reading a configuration text: YAML, but only what a configuration needs, and every problem in plain words.

The queue hands over any text that a person typed. Nothing in it may break the script, use up its memory or be
lost silently, so what is read here is a single plain mapping: no anchors, aliases, tags or second documents,
no key twice (PyYAML alone would keep the last), dates left as the text they are, and only such numbers as a
person means (to PyYAML alone, 010 is eight and 1:30 is ninety).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

import yaml

__all__ = ["BRACES", "read_mapping"]

BRACES = ". Text that begins with a brace is written in quotation marks, a list in [brackets]"
"""What may have been meant by a mapping in braces."""

_MAX_SIZE = 50_000  # most characters that a configuration may have
_MAX_DEPTH = 8  # how deep lists and mappings may be nested
_LINE_SHOWN = 80  # most characters of a line that are repeated
_LINES_NAMED = 10  # most lines that are named of those that give the same option
# None of them has two ways to match the same: a long line would take minutes.
_ASSIGNMENT = re.compile(r"^(?P<indent>\s*)(?P<key>\w+)\s*=\s*(?P<value>[^\s=].*)$")
_NO_BLANK = re.compile(r"^(?P<indent>\s*)(?P<key>\w+):(?P<value>[^\s:].*)$")
_NO_COLON = re.compile(r"^(?P<indent>\s*)(?P<key>[A-Za-z][^\W_]*_\w+)\s+(?P<value>[^\s:=][^:]*)$")
_TAG = re.compile(r"(?<![^\s\[{,])!![^\s,\]}]+[ \t]*")  # of YAML, e.g. !!int
_TAGGED_NUMBER = re.compile(r"""!!(?:int|float|bool|null)\s+(["'])(.*?)\1""")

# Characters that come along when a configuration is copied from a typeset page, and what they stand for.
_PLAIN = str.maketrans(
    {
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u202f\u3000", " "),
        **dict.fromkeys("\u2018\u2019", "'"),
        **dict.fromkeys("\u201c\u201d\u201e", '"'),
        **dict.fromkeys("\u2013\u2212", "-"),
    }
)

_INTEGER, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_DECIMAL = r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$"
_NOT_FINITE = r"^[-+]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$"

_FORBIDDEN = {
    "<anchor>": "an anchor (&)",
    "<alias>": "an alias (*)",
    "<tag>": "a tag (!)",
    "<directive>": "a directive (%)",
}
_INSTEAD = {
    "<anchor>": "leave it out, or put text in quotation marks",
    "<alias>": "write the value itself, or put text in quotation marks",
    "<tag>": "leave it out, or put text in quotation marks",
    "<directive>": "leave the line out",
}
_OPENING = ("<block sequence start>", "<block mapping start>", "[", "{")
_CLOSING = ("<block end>", "]", "}")


class _Loader(yaml.SafeLoader):
    """Loads dates as text: what a date means is for whoever reads the option to say. Numbers are decimal."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_INTEGER, _FLOAT)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_constructor("tag:yaml.org,2002:timestamp", lambda _, node: str(node.value))
_Loader.add_implicit_resolver(_INTEGER, re.compile(r"^[-+]?(0|[1-9][0-9]*)$"), list("-+0123456789"))
_Loader.add_implicit_resolver(_FLOAT, re.compile(f"{_DECIMAL}|{_NOT_FINITE}"), list("-+.0123456789"))


class _Refused(Exception):
    """The text holds something that a configuration may not hold."""


_UNREADABLE = (yaml.YAMLError, _Refused, ValueError)


def read_mapping(text: str) -> tuple[dict[str, Any], list[str]]:
    """Read the options out of a configuration text.

    Parameters
    ----------
    text
        As the operator typed it.

    Returns
    -------
    options, problems
        As far as the text can be understood, and what is wrong with it. A line that can be mended is a
        problem and its option is read all the same, so that the problems of other options are found too.
        Without ``metadata``, which BaseScript leaves to the queue, too.
    """
    if len(text) > _MAX_SIZE:
        return {}, [f"the configuration has {len(text)} characters; {_MAX_SIZE} is the most"]
    text, problems = _retype(text)
    try:
        options, others = _parse(text)
    except _UNREADABLE:
        mended, wrong = _mend(text)
        problems += wrong
        try:
            options, others = _parse(mended if wrong else text)
        except _UNREADABLE as error:
            options, others = {}, [_explain(error, text)]
    options.pop("metadata", None)
    return options, problems + others


def _parse(text: str) -> tuple[dict[str, Any], list[str]]:
    _refuse_what_is_not_plain(text)
    loader = _Loader(text)
    root = loader.get_single_node()
    if root is None or root.tag == "tag:yaml.org,2002:null":
        return {}, []
    if not isinstance(root, yaml.MappingNode):
        raise _Refused(
            "the configuration is not a list of options: write one option per line, e.g. 'n_bias: 20'"
        )
    problems = _keys_given_twice(root)
    options: dict[str, Any] = loader.construct_document(root)
    return options, problems


def _refuse_what_is_not_plain(text: str) -> None:
    """Look through the text before anything is built from it."""
    depth = 0
    tokens: Any = yaml.scan(text, Loader=yaml.SafeLoader)  # the annotations know nothing of their ids
    for token in tokens:
        line = token.start_mark.line + 1
        if (name := _FORBIDDEN.get(token.id)) is not None:
            raise _Refused(f"line {line}: {name} is not possible in a configuration; {_INSTEAD[token.id]}")
        depth += (token.id in _OPENING) - (token.id in _CLOSING)
        if depth > _MAX_DEPTH:
            raise _Refused(f"line {line}: lists or mappings are nested more than {_MAX_DEPTH} deep")


def _keys_given_twice(node: yaml.MappingNode) -> list[str]:
    lines: dict[str, list[int]] = {}
    problems = []
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode) or not key.tag.endswith(":str"):
            raise _Refused(f"line {line}: this is no name of an option{BRACES if node.flow_style else ''}")
        lines.setdefault(key.value, []).append(line)
        if isinstance(value, yaml.MappingNode):
            problems += _keys_given_twice(value)
    problems += [
        f"{_short(key)} is given more than once (lines {', '.join(map(str, where[:_LINES_NAMED]))}"
        f"{'...' if len(where) > _LINES_NAMED else ''}); only one can be meant"
        for key, where in lines.items()
        if len(where) > 1
    ]
    if len(lines.get("certify_calib_begin_date", ())) > 1 and "certify_calib_end_date" not in lines:
        problems[-1] += ". Should the second be certify_calib_end_date?"
    return problems


def _retype(text: str) -> tuple[str, list[str]]:
    """Replace typeset characters outside of comments; return the text and what was wrong."""
    lines, problems = text.splitlines(), []
    for number, line in enumerate(lines, 1):
        content = re.split(r"(?:^|\s)#", line, maxsplit=1)[0]
        if found := sorted({letter for letter in content if ord(letter) in _PLAIN}):
            lines[number - 1] = line.translate(_PLAIN)
            names = ", ".join(f"{unicodedata.name(letter).lower()} ({ord(letter):#x})" for letter in found)
            right = _short(content.translate(_PLAIN).strip())
            problems.append(f"line {number} holds {names}, as typeset pages have; write {right!r}")
    return ("\n".join(lines) if problems else text), problems


def _mend(text: str) -> tuple[str, list[str]]:
    """Put right lines that are no YAML but can be understood; return the text and what was wrong."""
    lines, problems = text.splitlines(), []
    for number, line in enumerate(map(str.rstrip, lines), 1):
        if match := _ASSIGNMENT.match(line) or _NO_BLANK.match(line) or _NO_COLON.match(line):
            right = f"{match['key']}: {match['value']}"
            lines[number - 1] = match["indent"] + right
            problems.append(f"line {number}: {_short(line.strip())!r} is not YAML; write '{_short(right)}'")
        elif match := _TAG.search(line):
            lines[number - 1] = _TAG.sub("", _TAGGED_NUMBER.sub(r"\2", line))
            problems.append(
                f"line {number}: the tag {_short(match[0].strip())} is not possible in a configuration; write"
                f" '{_short(lines[number - 1].strip())}'"
            )
    return "\n".join(lines), problems


def _explain(error: Exception, text: str) -> str:
    """Say in one sentence why a text cannot be read, and where."""
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return f"line {line} holds a character that is not printable (code {error.character:#x})"
    if not isinstance(error, yaml.MarkedYAMLError):
        why = "a number has thousands of digits" if "digits" in str(error) else _short(str(error))
        return str(error) if isinstance(error, _Refused) else f"a value cannot be read: {why}"
    mark = error.context_mark if error.context and "simple key" in error.context else error.problem_mark
    mark = mark or error.problem_mark or error.context_mark
    number, problem = mark.line + 1 if mark else 1, error.problem or ""
    lines = text.splitlines()
    there = _short(lines[number - 1].strip() if number <= len(lines) else "(the end of the text)")
    if "another document" in problem:
        return f"line {number}: a second document begins; a configuration is a single one"
    if "\\t" in problem:
        return f"line {number}: there is a tab where YAML wants blanks: {there!r}"
    begun = error.context_mark.line + 1 if error.context_mark is not None else number
    where = "" if begun == number else f", in what began in line {begun}"
    sign = "a colon" if "mapping values" in problem else "such a character" if "token" in problem else ""
    sign = sign or ("braces" if "{" in there else "")
    quoted = f", and text with {sign} in quotation marks" if sign else ""
    return (
        f"line {number} is not YAML{where}: {there!r} ({error.problem});"
        f" options are written 'name: value', one per line, all with the same indentation{quoted}"
    )


def _short(text: str) -> str:
    return text if len(text) <= _LINE_SHOWN else f"{text[: _LINE_SHOWN - 3]}..."
