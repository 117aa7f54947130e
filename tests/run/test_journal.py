"""The journal: what was written before a kill is there after it, and nothing that was not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.run.facts import (
    ExposureConfirmed,
    ExposureTaken,
    Fact,
    JobEnded,
    ReadoutEnded,
    StepNotDone,
    fact_from_dict,
)
from lsst.ts.calibrations.run.journal import Journal, read_journal

TAKEN = ExposureTaken(
    time=1.5, id=2025011500001, obs_id="AT_O_20250115_000001", image_type="BIAS", exp_time=0.0,
    discarded=True, begun=1.0,
)  # fmt: skip
FACTS = [
    TAKEN,
    ReadoutEnded(time=3.5, id=TAKEN.id),
    ExposureConfirmed(time=7.0, id=TAKEN.id, physical_filter=None, files=("/raw/a.fits",)),
    JobEnded(time=9.0, job_id="0" * 32, exit_code=None),
]


def write(path: Path, facts: list[Fact]) -> None:
    journal = Journal(path)
    for fact in facts:
        journal.append(fact)
    journal.close()


def test_a_fact_is_in_the_file_before_anyone_hears_of_it(tmp_path):
    journal = Journal(tmp_path / "journal.jsonl")
    seen = []
    journal.add_listener(lambda fact: seen.append((tmp_path / "journal.jsonl").read_text()))
    journal.append(TAKEN)
    journal.close()
    assert json.loads(seen[0])["id"] == TAKEN.id


def test_reading_gives_the_facts_back(tmp_path):
    write(tmp_path / "journal.jsonl", FACTS)
    assert [fact.as_dict() for fact in read_journal(tmp_path / "journal.jsonl")] == [
        json.loads(json.dumps(fact.as_dict())) for fact in FACTS
    ]


@given(cut=st.integers(min_value=0))
def test_a_journal_cut_anywhere_loses_at_most_the_fact_that_was_being_written(tmp_path_factory, cut):
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    write(path, FACTS)
    whole = path.read_bytes()
    kept = whole[: cut % (len(whole) + 1)]
    path.write_bytes(kept)
    assert len(list(read_journal(path))) == kept.count(b"\n")


def test_a_damaged_line_is_named(tmp_path):
    path = tmp_path / "journal.jsonl"
    write(path, FACTS[:1])
    path.write_text("{]\n" + path.read_text())
    with pytest.raises(ValueError, match="line 1"):
        list(read_journal(path))


def test_an_unknown_fact_is_refused():
    with pytest.raises(ValueError, match="no kind of fact"):
        fact_from_dict({"fact": "Rumour", "time": 0.0})
    with pytest.raises(ValueError, match="other fields"):
        fact_from_dict({"fact": "StepNotDone", "time": 0.0, "why": "x"})


def test_every_kind_of_fact_survives_json():
    fact = StepNotDone(time=1.0, step="verify BIAS", reason="ünknown\nreason")
    assert fact_from_dict(json.loads(json.dumps(fact.as_dict()))) == fact
