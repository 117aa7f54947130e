"""The journal: what was written before a kill is there after it, and nothing that was not."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.journal.facts import (
    ExposureConfirmed,
    ExposureTaken,
    Fact,
    JobEnded,
    ReadoutEnded,
    StepNotDone,
    fact_from_dict,
)
from lsst.ts.calibrations.journal.journal import Journal, JournalError, JournalInUse, read_journal

TAKEN = ExposureTaken(
    time=1.5, id=2025011500001, obs_id="AT_O_20250115_000001", image_type="BIAS", exp_time=0.0,
    position=1, discarded=True, begun=1.0,
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


def test_a_fact_is_in_the_file_before_anyone_hears_of_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.jsonl")
    seen = []
    journal.add_listener(lambda fact: seen.append((tmp_path / "journal.jsonl").read_text()))
    journal.append(TAKEN)
    journal.close()
    assert json.loads(seen[0])["id"] == TAKEN.id


def test_reading_gives_the_facts_back(tmp_path: Path) -> None:
    write(tmp_path / "journal.jsonl", FACTS)
    assert list(read_journal(tmp_path / "journal.jsonl")) == FACTS


@given(cut=st.integers(min_value=0))
def test_a_journal_cut_anywhere_loses_at_most_the_fact_that_was_being_written(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "journal.jsonl"
    write(path, FACTS)
    whole = path.read_bytes()
    kept = whole[: cut % (len(whole) + 1)]
    path.write_bytes(kept)
    assert len(list(read_journal(path))) == kept.count(b"\n")


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, FACTS[:1])
    path.write_text("{]\n" + path.read_text())
    with pytest.raises(ValueError, match="line 1"):
        list(read_journal(path))


def test_a_line_that_was_cut_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    write(path, FACTS[:2])
    with path.open("a") as file:
        file.write('{"fact": "ExposureConf')
    write(path, FACTS[2:])
    assert list(read_journal(path)) == FACTS


def test_only_one_can_write_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    first = Journal(path)
    first.append(TAKEN)
    with pytest.raises(JournalInUse, match="a run is going on"):
        Journal(path)
    first.close()
    Journal(path).close()
    assert list(read_journal(path)) == [TAKEN]


def test_a_journal_that_cannot_be_made_says_why(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="Is a directory"):
        Journal(tmp_path)


class FullDisk:
    """A file on a disk that takes some bytes and no more."""

    def __init__(self, file: Any, free: int) -> None:
        self.file, self.free = file, free

    def write(self, line: bytes) -> int:
        self.file.write(line[: self.free])
        raise OSError(28, "No space left on device")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


@pytest.mark.parametrize("free", [0, 20])
def test_a_full_disk_leaves_no_half_line_and_nobody_hears_of_the_fact(tmp_path: Path, free: int) -> None:
    path = tmp_path / "journal.jsonl"
    journal, heard = Journal(path), list[Fact]()
    journal.add_listener(heard.append)
    journal.append(TAKEN)
    full: Any = FullDisk(journal._file, free)
    whole, journal._file = journal._file, full
    with pytest.raises(JournalError, match="No space left on device"):
        journal.append(FACTS[1])
    journal._file = whole
    journal.append(FACTS[2])
    journal.close()
    assert list(read_journal(path)) == heard == [TAKEN, FACTS[2]]


def test_a_durable_journal_is_on_the_disk_before_anyone_hears_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[object] = []
    monkeypatch.setattr("os.fsync", synced.append)
    journal = Journal(tmp_path / "journal.jsonl", durable=True)
    journal.add_listener(lambda fact: synced.append("heard"))
    journal.append(TAKEN)
    journal.close()
    assert [each == "heard" for each in synced] == [False, True]


@pytest.mark.parametrize(
    ("field", "value"),
    [("id", "7"), ("id", True), ("time", None), ("discarded", 1), ("obs_id", 3), ("exp_time", "5 s")],
)
def test_a_value_of_another_type_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=field):
        fact_from_dict(TAKEN.as_dict() | {field: value})


def test_whole_seconds_are_a_time() -> None:
    fact = fact_from_dict(TAKEN.as_dict() | {"exp_time": 5})
    assert isinstance(fact, ExposureTaken)
    assert fact.exp_time == 5


def test_a_journal_of_another_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for fields, message in (
        ({}, "format 1 of another version"),
        ({"format": 99}, "format 99 of a newer version"),
    ):
        path.write_text(json.dumps({"fact": "RunConfigured", "time": 1.0, **fields}) + "\n")
        with pytest.raises(ValueError, match=message):
            list(read_journal(path))


@pytest.mark.parametrize("line", [b"\xff\xfe", b"[" * 100_000, b"7", b'{"fact": []}'])
def test_nothing_that_a_line_may_hold_breaks_the_reader(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(line + b"\n")
    with pytest.raises(ValueError, match="line 1"):
        list(read_journal(path))


def test_an_unknown_fact_is_refused() -> None:
    with pytest.raises(ValueError, match="no kind of fact"):
        fact_from_dict({"fact": "UnknownFact", "time": 0.0})
    with pytest.raises(ValueError, match="other fields"):
        fact_from_dict({"fact": "StepNotDone", "time": 0.0, "why": "x"})


def test_every_kind_of_fact_survives_json() -> None:
    fact = StepNotDone(time=1.0, step="verify BIAS", reason="ünknown\nreason")
    assert fact_from_dict(json.loads(json.dumps(fact.as_dict()))) == fact


def test_a_journal_that_cannot_be_read_is_told_in_words_and_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(path: Path) -> bytes:
        raise OSError(5, "Input/output error")

    write(tmp_path / "j", FACTS)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", broken)
        with pytest.raises(JournalError, match=r"opened: Input/output error\."):
            Journal(tmp_path / "j")
    write(tmp_path / "j", [FACTS[-1]])  # nobody holds it
