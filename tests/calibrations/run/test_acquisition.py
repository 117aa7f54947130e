"""Taking images: in order, each confirmed, and none begun after something went wrong."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pytest

from lsst.ts.calibrations.butler.exposures import ArchivedExposure
from lsst.ts.calibrations.domain.errors import AcquisitionError, ArchiveError, IngestError
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.calibrations.journal.facts import (
    ExposureBegun,
    ExposureConfirmed,
    ExposureLost,
    ExposureTaken,
    ReadoutEnded,
)
from lsst.ts.calibrations.journal.journal import JournalError
from lsst.ts.calibrations.workflow.plan import make_plan
from lsst.ts.simulated_observatory import clock

FIRST = 2025011500001


def test_biases_come_before_darks_and_darks_before_flats(make_case: Any) -> None:
    case = make_case()
    clock.run(case.run)
    assert [(kind, seconds) for kind, seconds, _ in case.camera.taken] == [
        ("BIAS", 0), ("BIAS", 0), ("BIAS", 0), ("DARK", 5), ("DARK", 10), ("DARK", 15),
        ("FLAT", 3), ("FLAT", 4),
    ]  # fmt: skip
    assert [group for _, _, group in case.camera.taken] == [f"group {number}" for number in range(1, 9)]


def test_the_first_of_each_type_are_discarded_but_kept_in_the_journal(make_case: Any) -> None:
    case = make_case()
    clock.run(case.run)
    assert [fact.discarded for fact in case.of(ExposureTaken)] == [
        True, False, False, True, False, False, False, False,
    ]  # fmt: skip
    assert [(kind, [each - FIRST + 1 for each in kept]) for _, kind, kept in case.handed_over] == [
        ("BIAS", [2, 3]), ("DARK", [5, 6]), ("FLAT", [7, 8]),
    ]  # fmt: skip


def test_every_exposure_is_confirmed_with_its_files(make_case: Any) -> None:
    case = make_case(oods_timeout=77)
    clock.run(case.run)
    assert sorted(case.ids(ReadoutEnded)) == sorted(case.ids(ExposureConfirmed)) == list(range(1, 9))
    assert case.ingest.asked[0] == ("AT_O_20250115_000001", ("RXX_S00",), 77.0)
    fact = case.of(ExposureConfirmed)[0]
    assert (fact.physical_filter, fact.files) == ("r~empty", (f"/raw/{FIRST}_0.fits",))
    assert all(each.ingested for each in case.context.record.exposures.values())


def test_the_camera_never_waits_for_the_oods(make_case: Any, fake_ingest: Any) -> None:
    case = make_case(ingest=fake_ingest(delay=50.0))
    clock.run(case.run)
    last = max(fact.time for fact in case.of(ReadoutEnded))
    assert last - clock.START_TAI == pytest.approx(8 * 2 + 5 + 10 + 15 + 3 + 4)
    assert case.of(ExposureConfirmed)[0].time > case.of(ExposureTaken)[6].time


def test_the_time_limit_of_the_oods_counts_from_the_end_of_the_readout(
    make_case: Any, fake_ingest: Any
) -> None:
    case = make_case(ingest=fake_ingest(loses={8}), oods_timeout=100)
    with pytest.raises(IngestError):
        clock.run(case.run)
    ended = case.of(ReadoutEnded)[-1].time - clock.START_TAI
    assert ended == pytest.approx(53.0)


def test_a_set_is_handed_over_when_the_last_of_its_images_is_confirmed(
    make_case: Any, fake_ingest: Any
) -> None:
    case = make_case(ingest=fake_ingest(delays={2: 30.0}))
    clock.run(case.run)
    when, kind, _ = case.handed_over[0]
    assert (when, kind) == (4.0 + 30.0, "BIAS")
    assert case.of(ExposureTaken)[4].time - clock.START_TAI < when


def test_the_operator_can_stop_before_every_exposure_and_knows_which_is_next(make_case: Any) -> None:
    case = make_case()
    clock.run(case.run)
    assert [name for _, name in case.checkpoints] == [
        "BIAS: 3 images", "BIAS 1 of 3, 0 s", "BIAS 2 of 3, 0 s", "BIAS 3 of 3, 0 s",
        "DARK: 3 images", "DARK 1 of 3, 5 s", "DARK 2 of 3, 10 s", "DARK 3 of 3, 15 s",
        "FLAT: 2 images", "FLAT 1 of 2, 3 s", "FLAT 2 of 2, 4 s",
    ]  # fmt: skip


def test_there_is_a_wait_after_every_exposure_and_after_the_last_one_as_well(make_case: Any) -> None:
    case = make_case(wait_between_exposures=20)
    clock.run(case.run)
    begun = [fact.begun for fact in case.of(ExposureTaken)]
    read_out = [fact.time for fact in case.of(ReadoutEnded)]
    waits = [later - earlier for earlier, later in zip(read_out, begun[1:], strict=False)]
    assert waits == [pytest.approx(20)] * 7
    assert read_out[-1] - begun[0] == pytest.approx(
        make_plan(case.config, LATISS).floor - 2
    )  # no shutter here
    assert case.now_at_end == pytest.approx(read_out[-1] - clock.START_TAI + 20)


def test_images_are_handed_over_in_the_wait_that_follows_them(make_case: Any) -> None:
    case = make_case(wait_between_exposures=180)
    clock.run(case.run)
    read_out = {fact.id - FIRST + 1: fact.time - clock.START_TAI for fact in case.of(ReadoutEnded)}
    times = {kind: when for when, kind, _ in case.handed_over}
    assert times == {"BIAS": read_out[3] + 4, "DARK": read_out[6] + 4, "FLAT": read_out[8] + 4}


def test_an_exposure_that_is_not_confirmed_ends_data_taking_and_the_others_are_settled(
    make_case: Any, fake_ingest: Any
) -> None:
    case = make_case(ingest=fake_ingest(delay=50.0, loses={2}), oods_timeout=12, wait_between_exposures=1)
    with pytest.raises(IngestError, match="AT_O_20250115_000002"):
        clock.run(case.run)
    taken = case.ids(ExposureTaken)
    assert 2 < len(taken) < 8
    assert case.ids(ExposureConfirmed) == [number for number in taken if number != 2]
    assert case.handed_over == []
    failed = case.of(ReadoutEnded)[1].time + 12
    assert all(fact.begun <= failed for fact in case.of(ExposureTaken))


def test_a_set_that_was_complete_before_the_failure_is_handed_over(make_case: Any, fake_ingest: Any) -> None:
    case = make_case(ingest=fake_ingest(loses={4}), oods_timeout=2)
    with pytest.raises(IngestError):
        clock.run(case.run)
    assert [kind for _, kind, _ in case.handed_over] == ["BIAS"]


def test_a_refused_exposure_ends_data_taking_and_what_was_taken_is_confirmed(
    make_case: Any, fake_camera: Any
) -> None:
    case = make_case(camera=fake_camera(refuses={5}))
    with pytest.raises(AcquisitionError, match="exposure 5 was refused"):
        clock.run(case.run)
    assert len(case.camera.taken) == 5
    assert case.ids(ExposureTaken) == case.ids(ExposureConfirmed) == [1, 2, 3, 4]
    assert [kind for _, kind, _ in case.handed_over] == ["BIAS"]


def test_a_file_that_the_butler_does_not_know_is_a_warning(
    make_case: Any, fake_archive: Any, caplog: Any
) -> None:
    case = make_case(archive=fake_archive(unknown={FIRST}))
    with caplog.at_level(logging.WARNING):
        clock.run(case.run)
    assert f"exposure {FIRST} is not there" in caplog.text
    fact = case.of(ExposureConfirmed)[0]
    assert (fact.physical_filter, fact.files) == (None, ())
    assert len(case.of(ExposureConfirmed)) == 8


@pytest.mark.parametrize(
    "other",
    [
        ArchivedExposure("AT_C_20250115_000002", "group 2", "BIAS", 0.0),
        ArchivedExposure("AT_O_20250115_000002", "group of yesterday", "BIAS", 0.0),
        ArchivedExposure("AT_O_20250115_000002", "group 2", "DARK", 0.0),
        ArchivedExposure("AT_O_20250115_000002", "group 2", "BIAS", 5.0),
    ],
    ids=["name", "group", "type", "time"],
)
def test_an_exposure_that_the_butler_has_as_another_one_is_not_used(
    make_case: Any, fake_archive: Any, other: ArchivedExposure
) -> None:
    case = make_case(archive=fake_archive(others={FIRST + 1: other}))
    words = f"exposure {FIRST + 1} of the Butler is {other.obs_id}, {other.image_type} of .*, and not AT_O_"
    with pytest.raises(ArchiveError, match=words):
        clock.run(case.run)
    assert FIRST + 1 not in [fact.id for fact in case.of(ExposureConfirmed)]
    assert case.handed_over == []


def test_an_exposure_that_the_butler_has_as_it_was_taken_is_used(make_case: Any, fake_archive: Any) -> None:
    own = ArchivedExposure("AT_O_20250115_000005", "group 5", "DARK", 10.01)
    case = make_case(archive=fake_archive(others={FIRST + 4: own}))
    clock.run(case.run)
    assert case.ids(ExposureConfirmed) == list(range(1, 9))


def test_a_lost_end_of_readout_is_a_warning_and_the_oods_decides(
    make_case: Any, fake_camera: Any, caplog: Any
) -> None:
    case = make_case(camera=fake_camera(loses_readout={3}))
    with caplog.at_level(logging.WARNING):
        clock.run(case.run)
    assert f"Exposure {FIRST + 2}: no endReadout came" in caplog.text
    assert 3 not in case.ids(ReadoutEnded)
    assert case.ids(ExposureConfirmed) == list(range(1, 9))


def test_an_exposure_that_the_journal_cannot_take_is_named(
    make_case: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    case = make_case()
    note = case.context.note

    def full(fact: Any) -> None:
        if isinstance(fact, ExposureTaken) and fact.image_type == "DARK":
            raise JournalError("the journal cannot be written: No space left on device", advice="Make room.")
        note(fact)

    monkeypatch.setattr(case.context, "note", full)
    with pytest.raises(JournalError, match="DARK AT_O_20250115_000004 was taken, and the journal"):
        clock.run(case.run)
    under_way = case.under_way
    assert under_way is not None
    assert (under_way.image_type, under_way.position) == ("DARK", 1)
    assert "the DARK AT_O_20250115_000004 was taken, and the journal cannot be written" in caplog.text


def test_a_camera_that_counts_anew_takes_no_exposure_out_of_the_record(
    make_case: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    case = make_case()
    take = case.camera.take

    async def anew(image_type: ImageType, *more: Any) -> int:
        taken: int = await take(image_type, *more)
        return taken if image_type is ImageType.BIAS else FIRST

    monkeypatch.setattr(case.camera, "take", anew)
    words = r"the DARK of 5 s has the number of AT_O_20250115_000001, which this run has taken before"
    with pytest.raises(AcquisitionError, match=words) as failed:
        clock.run(case.run)
    assert "the camera counts anew. It is not used; all exposures before are kept." in str(failed.value)
    held = case.context.record.exposures
    assert [(each.taken.image_type, each.ingested) for each in held.values()] == [("BIAS", True)] * 3
    assert "the camera counts anew" in caplog.text


def hold(case: Any, numbers: Sequence[int], *, lost: Sequence[int] = ()) -> None:
    """Have the journal hold exposures of an earlier part of the run: the first ones of the plan."""
    kinds = ["BIAS"] * 3 + ["DARK"] * 3 + ["FLAT"] * 2
    for number in numbers:
        fact = ExposureTaken(
            time=clock.START_TAI,
            id=FIRST - 100 + number,
            obs_id=f"AT_O_20250114_{number:06d}",
            image_type=kinds[number - 1],
            exp_time=0.0,
            position=number - kinds.index(kinds[number - 1]),
            discarded=False,
            begun=clock.START_TAI,
        )
        case.context.note(fact)
        end = (
            ExposureLost(time=fact.time, id=fact.id, reason="")
            if number in lost
            else ExposureConfirmed(time=fact.time, id=fact.id, physical_filter="r~empty", files=())
        )
        case.context.note(end)
    case.facts.clear()


def test_exposures_that_the_journal_holds_are_not_taken_again(make_case: Any) -> None:
    case = make_case()
    hold(case, [1, 2, 3, 4])
    clock.run(case.run)
    assert [kind for kind, _, _ in case.camera.taken] == ["DARK", "DARK", "FLAT", "FLAT"]
    assert case.handed_over[0] == (0.0, "BIAS", [FIRST - 98, FIRST - 97])
    assert case.handed_over[1][1:] == ("DARK", [FIRST, FIRST + 1])
    assert [fact.position for fact in case.of(ExposureTaken)] == [2, 3, 1, 2]
    assert [name for _, name in case.checkpoints] == [
        "DARK: 2 of 3 images", "DARK 2 of 3, 10 s", "DARK 3 of 3, 15 s",
        "FLAT: 2 images", "FLAT 1 of 2, 3 s", "FLAT 2 of 2, 4 s",
    ]  # fmt: skip


def test_an_exposure_that_is_lost_is_taken_again_in_its_place(make_case: Any) -> None:
    case = make_case()
    hold(case, [1, 2, 3, 4, 5, 6], lost=[1, 5])
    clock.run(case.run)
    assert [(kind, seconds) for kind, seconds, _ in case.camera.taken] == [
        ("BIAS", 0), ("DARK", 10), ("FLAT", 3), ("FLAT", 4),
    ]  # fmt: skip
    assert [fact.discarded for fact in case.of(ExposureTaken)] == [True, False, False, False]
    handed_over = {kind: ids for _, kind, ids in case.handed_over}
    assert handed_over["BIAS"] == [FIRST - 98, FIRST - 97]
    assert handed_over["DARK"] == [FIRST + 1, FIRST - 94]


def test_with_all_exposures_there_is_nothing_to_take_and_no_checkpoint(make_case: Any) -> None:
    case = make_case()
    hold(case, range(1, 9))
    clock.run(case.run)
    assert (case.camera.taken, case.checkpoints) == ([], [])
    assert [kind for _, kind, _ in case.handed_over] == ["BIAS", "DARK", "FLAT"]


def test_every_exposure_is_announced_in_the_journal_before_the_camera_hears_of_it(make_case: Any) -> None:
    case = make_case()
    clock.run(case.run)
    assert [fact.group_id for fact in case.of(ExposureBegun)] == [group for _, _, group in case.camera.taken]
    assert [fact.time for fact in case.of(ExposureBegun)] == [fact.begun for fact in case.of(ExposureTaken)]
    assert case.context.record.begun is None
