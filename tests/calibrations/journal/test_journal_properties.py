"""Any facts survive a journal, any part of one tells what had happened by then, and no bytes break it."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.journal.facts import NUMBER_LIMIT, Fact
from lsst.ts.calibrations.journal.journal import FORMAT, Journal, read_journal

texts = st.text(max_size=12)
plain = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | texts
json_values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
SIMPLE = {
    str: texts, int: st.integers(-(2**60), 2**60), bool: st.booleans(),
    float: st.floats(-NUMBER_LIMIT, NUMBER_LIMIT, exclude_min=True, exclude_max=True),
    Any: json_values, type(None): st.none(),
}  # fmt: skip


def of(kind: Any) -> st.SearchStrategy[Any]:
    """Values of the type of a field."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return st.one_of(*map(of, arguments))
    if origin is tuple:
        return st.lists(of(arguments[0]), max_size=3).map(tuple)
    if origin is Mapping:
        return st.dictionaries(texts, of(arguments[1]), max_size=3)
    return SIMPLE[kind]


def facts_of(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    hints = typing.get_type_hints(kind)
    fields = {field.name: of(hints[field.name]) for field in dataclasses.fields(kind)}
    if "format" in fields:  # another one is another journal
        fields["format"] = st.just(FORMAT)
    return st.builds(kind, **fields)


any_fact = st.one_of(*map(facts_of, Fact.kinds.values()))
histories = st.lists(any_fact, max_size=8)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journal") / "journal.jsonl"


def write(path: Path, facts: list[Fact]) -> bytes:
    """Write a new journal; return its bytes."""
    path.unlink(missing_ok=True)
    add(path, facts)
    return path.read_bytes()


def add(path: Path, facts: list[Fact]) -> None:
    journal = Journal(path)
    for fact in facts:
        journal.append(fact)
    journal.close()


def read_until_refused(path: Path) -> tuple[list[Fact], str]:
    """Facts of a journal up to the line that is refused, and the message of the refusal."""
    read: list[Fact] = []
    try:
        for fact in read_journal(path):
            read.append(fact)
    except ValueError as error:
        return read, str(error)
    return read, ""


@given(facts=histories)
def test_what_was_written_is_read(path: Path, facts: list[Fact]) -> None:
    written = write(path, facts)
    assert list(read_journal(path)) == facts
    assert written.count(b"\n") == len(facts)


@given(facts=histories, more=any_fact, data=st.data())
def test_any_part_of_a_journal_is_the_facts_up_to_there_and_can_be_gone_on_with(
    path: Path, facts: list[Fact], more: Fact, data: st.DataObject
) -> None:
    whole = write(path, facts)
    part = whole[: data.draw(st.integers(0, len(whole)))]
    path.write_bytes(part)
    known = facts[: part.count(b"\n")]
    assert list(read_journal(path)) == known
    assert path.read_bytes() == part  # reading touches nothing
    add(path, [more])
    assert list(read_journal(path)) == [*known, more]


@given(facts=st.lists(any_fact, min_size=1, max_size=4), data=st.data())
def test_a_fact_of_a_newer_version_is_refused_by_its_line_and_what_was_before_is_read(
    path: Path, facts: list[Fact], data: st.DataObject
) -> None:
    lines = write(path, facts).splitlines(keepends=True)
    place = data.draw(st.integers(0, len(lines)))
    newer = data.draw(st.dictionaries(texts, plain, max_size=3)) | {"fact": "UnknownFact", "time": 1.0}
    path.write_bytes(b"".join([*lines[:place], json.dumps(newer).encode() + b"\n", *lines[place:]]))
    read, refusal = read_until_refused(path)
    assert read == facts[:place]
    assert f"line {place + 1}: 'UnknownFact' is no kind of fact" in refusal


@given(facts=st.lists(any_fact, min_size=1, max_size=4), data=st.data())
def test_a_damaged_journal_is_read_up_to_the_damage_or_refused(
    path: Path, facts: list[Fact], data: st.DataObject
) -> None:
    whole = bytearray(write(path, facts))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place : place + 1] = data.draw(st.binary(max_size=3))
    path.write_bytes(whole)
    untouched = bytes(whole[:place]).count(b"\n")
    read, refusal = read_until_refused(path)
    assert read[:untouched] == facts[: min(untouched, len(read))]
    assert len(read) >= untouched or "line 1:" in refusal  # nothing is read of another format


@given(content=st.binary(max_size=200))
def test_no_bytes_break_the_reader(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    read, refusal = read_until_refused(path)
    assert not refusal or "line " in refusal
    assert all(isinstance(fact, Fact) for fact in read)
