"""Schemas, keys of the summary and lines of the journal, on which others rely: they are as they were."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from .normal import lines_of, pipelines_named, shape_of
from .old_run import DATA, JOURNAL
from .play import Played, fact_types, facts_of, schema, written_again
from .runs import NAMES, SCRIPTS

SCHEMA = json.loads((files("lsst.ts.calibrations") / "schemas" / "summary.json").read_text(encoding="utf-8"))
SAMPLES = (DATA / "fact_samples.jsonl").read_text(encoding="utf-8").splitlines()


def frozen(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def line_of(fact: dict[str, Any]) -> str:
    """A fact as a line of a journal; where the pipelines are may change."""
    return pipelines_named(json.dumps(fact))


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_schema_is_as_it_was(name: str) -> None:
    """In the same order, too: operators read it in LOVE."""
    was = (DATA / f"schema_{name}.json").read_text(encoding="utf-8")
    assert lines_of(schema(SCRIPTS[name])).splitlines() == was.splitlines()


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_has_the_keys_and_types_that_it_had(played: Callable[[str], Played], name: str) -> None:
    was = {path: types.split(" or ") for path, types in frozen("summary_keys.json").items()}
    summary = json.loads((played(name).folder / "summary.json").read_text())
    others = {path: type_ for path, type_ in shape_of(summary) if type_ not in was.get(path, ())}
    assert others == {}


def test_together_the_summaries_have_all_keys_that_they_had(played: Callable[[str], Played]) -> None:
    found: set[str] = set()
    for name in NAMES:
        found |= {
            path for path, _ in shape_of(json.loads((played(name).folder / "summary.json").read_text()))
        }
    assert set(frozen("summary_keys.json")) - found == set()


@pytest.mark.parametrize("name", NAMES)
def test_the_summary_fits_its_schema(played: Callable[[str], Played], name: str) -> None:
    Draft7Validator(SCHEMA).validate(json.loads((played(name).folder / "summary.json").read_text()))


def test_facts_have_the_fields_and_types_that_they_had() -> None:
    assert lines_of(fact_types()).splitlines() == lines_of(frozen("fact_types.json")).splitlines()


def test_there_is_a_line_of_every_kind_of_fact() -> None:
    assert {json.loads(line)["fact"] for line in SAMPLES} == set(frozen("fact_types.json"))


@pytest.mark.parametrize("line", SAMPLES, ids=[json.loads(line)["fact"] for line in SAMPLES])
def test_a_line_of_a_journal_is_read_and_written_as_it_was(line: str) -> None:
    assert line_of(written_again(json.loads(line))) == pipelines_named(line)


def test_a_whole_journal_of_before_is_read(tmp_path: Path) -> None:
    copy = tmp_path / "journal.jsonl"
    copy.write_bytes(JOURNAL.read_bytes())
    lines = JOURNAL.read_text(encoding="utf-8").splitlines()
    assert [line_of(fact) for fact in facts_of(copy)] == [pipelines_named(line) for line in lines]
