"""Taking images: in order, each confirmed, and none begun after something went wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

import pytest

from lsst.ts.calibrations.components.camera import Annotations
from lsst.ts.calibrations.domain.errors import AcquisitionError, IngestError
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.calibrations.journal.facts import (
    ExposureBegun,
    ExposureConfirmed,
    ExposureLost,
    ExposureTaken,
    ReadoutEnded,
)
from lsst.ts.calibrations.journal.journal import JournalError
from lsst.ts.calibrations.run import acquisition
from lsst.ts.calibrations.run.acquisition import Acquisition
from lsst.ts.calibrations.run.ending import UnfinishedRun
from lsst.ts.calibrations.workflow.plan import make_plan
from lsst.ts.simulated_observatory import clock

FIRST = 2025011500001
FEW = {
    "n_bias": 2, "n_discard_bias": 1, "n_dark": 2, "n_discard_dark": 1, "exp_times_dark": [5, 10, 15],
    "n_flat": 2, "n_discard_flat": 0, "exp_times_flat": [3, 4],
}  # fmt: skip


class Story:
    """An acquisition with what became of it."""

    def __init__(self, context: Any, camera: Any, ingest: Any, archive: Any, config: Any) -> None:
        self.context, self.camera, self.ingest, self.archive, self.config = (
            context,
            camera,
            ingest,
            archive,
            config,
        )
        self.now_at_end = 0.0
        self.facts: list[Any] = []
        self.checkpoints: list[tuple[float, str]] = []
        self.handed_over: list[tuple[float, str, list[int]]] = []
        context.journal.add_listener(self.facts.append)

    async def run(self) -> None:
        async def checkpoint(name: str) -> None:
            self.checkpoints.append((self.now(), name))

        acquisition = Acquisition(
            context=self.context,
            camera=self.camera,
            ingest=self.ingest,
            archive=self.archive,
            detectors={0: "RXX_S00"},
            annotations=Annotations(),
            oods_timeout=self.config.oods_timeout,
            wait_between_exposures=self.config.wait_between_exposures,
            checkpoint=checkpoint,
            group_id=lambda: f"group {len(self.camera.taken) + 1}",
        )
        await acquisition.run(make_plan(self.config, LATISS), self.hand_over)
        self.now_at_end = self.now()

    def hand_over(self, image_type: ImageType, exposures: Any) -> None:
        self.handed_over.append((self.now(), str(image_type), list(exposures)))

    @property
    def under_way(self) -> ExposureBegun | None:
        return UnfinishedRun(self.context.record, self.camera).under_way

    @staticmethod
    def now() -> float:
        return round(clock.current_tai() - clock.START_TAI, 3)

    def of(self, kind: type) -> list[Any]:
        return [fact for fact in self.facts if isinstance(fact, kind)]

    def ids(self, kind: type) -> list[int]:
        return [fact.id - FIRST + 1 for fact in self.of(kind)]


@pytest.fixture
def story(context: Any, told_camera: Any, told_ingest: Any, told_archive: Any, config: Any) -> Any:
    def make(camera: Any = None, ingest: Any = None, archive: Any = None, **options: Any) -> Story:
        return Story(
            context,
            camera or told_camera(),
            ingest or told_ingest(),
            archive or told_archive(),
            config(**FEW | options),
        )

    return make


def test_biases_come_before_darks_and_darks_before_flats(story: Any) -> None:
    told = story()
    clock.run(told.run)
    assert [(kind, seconds) for kind, seconds, _ in told.camera.taken] == [
        ("BIAS", 0), ("BIAS", 0), ("BIAS", 0), ("DARK", 5), ("DARK", 10), ("DARK", 15),
        ("FLAT", 3), ("FLAT", 4),
    ]  # fmt: skip
    assert [group for _, _, group in told.camera.taken] == [f"group {number}" for number in range(1, 9)]


def test_the_first_of_each_type_are_discarded_but_kept_in_the_journal(story: Any) -> None:
    told = story()
    clock.run(told.run)
    assert [fact.discarded for fact in told.of(ExposureTaken)] == [
        True, False, False, True, False, False, False, False,
    ]  # fmt: skip
    assert [(kind, [each - FIRST + 1 for each in kept]) for _, kind, kept in told.handed_over] == [
        ("BIAS", [2, 3]), ("DARK", [5, 6]), ("FLAT", [7, 8]),
    ]  # fmt: skip


def test_every_exposure_is_confirmed_with_its_files(story: Any) -> None:
    told = story(oods_timeout=77)
    clock.run(told.run)
    assert sorted(told.ids(ReadoutEnded)) == sorted(told.ids(ExposureConfirmed)) == list(range(1, 9))
    assert told.ingest.asked[0] == ("AT_O_20250115_000001", ("RXX_S00",), 77.0)
    fact = told.of(ExposureConfirmed)[0]
    assert (fact.physical_filter, fact.files) == ("r~empty", (f"/raw/{FIRST}_0.fits",))
    assert all(each.ingested for each in told.context.record.exposures.values())


def test_the_camera_never_waits_for_the_oods(story: Any, told_ingest: Any) -> None:
    told = story(ingest=told_ingest(delay=50.0))
    clock.run(told.run)
    last = max(fact.time for fact in told.of(ReadoutEnded))
    assert last - clock.START_TAI == pytest.approx(8 * 2 + 5 + 10 + 15 + 3 + 4)
    assert told.of(ExposureConfirmed)[0].time > told.of(ExposureTaken)[6].time


def test_the_time_limit_of_the_oods_counts_from_the_end_of_the_readout(story: Any, told_ingest: Any) -> None:
    told = story(ingest=told_ingest(loses={8}), oods_timeout=100)
    with pytest.raises(IngestError):
        clock.run(told.run)
    ended = told.of(ReadoutEnded)[-1].time - clock.START_TAI
    assert ended == pytest.approx(53.0)


def test_a_set_is_handed_over_when_the_last_of_its_images_is_confirmed(story: Any, told_ingest: Any) -> None:
    told = story(ingest=told_ingest(delays={2: 30.0}))
    clock.run(told.run)
    when, kind, _ = told.handed_over[0]
    assert (when, kind) == (4.0 + 30.0, "BIAS")
    assert told.of(ExposureTaken)[4].time - clock.START_TAI < when


def test_the_operator_can_stop_before_every_exposure_and_knows_which_is_next(story: Any) -> None:
    told = story()
    clock.run(told.run)
    assert [name for _, name in told.checkpoints] == [
        "BIAS: 3 images", "BIAS 1 of 3, 0 s", "BIAS 2 of 3, 0 s", "BIAS 3 of 3, 0 s",
        "DARK: 3 images", "DARK 1 of 3, 5 s", "DARK 2 of 3, 10 s", "DARK 3 of 3, 15 s",
        "FLAT: 2 images", "FLAT 1 of 2, 3 s", "FLAT 2 of 2, 4 s",
    ]  # fmt: skip


def test_waits_are_between_exposures_and_not_after_the_last(story: Any) -> None:
    told = story(wait_between_exposures=20)
    clock.run(told.run)
    begun = [fact.begun for fact in told.of(ExposureTaken)]
    read_out = [fact.time for fact in told.of(ReadoutEnded)]
    waits = [later - earlier for earlier, later in zip(read_out, begun[1:], strict=False)]
    assert waits == [pytest.approx(20)] * 7
    assert read_out[-1] - begun[0] == pytest.approx(
        make_plan(told.config, LATISS).floor - 2
    )  # no shutter here
    assert told.now_at_end == pytest.approx(read_out[-1] - clock.START_TAI + 4)


def test_an_exposure_that_is_not_confirmed_ends_data_taking_and_the_others_are_settled(
    story: Any, told_ingest: Any
) -> None:
    told = story(ingest=told_ingest(delay=50.0, loses={2}), oods_timeout=12, wait_between_exposures=1)
    with pytest.raises(IngestError, match="AT_O_20250115_000002"):
        clock.run(told.run)
    taken = told.ids(ExposureTaken)
    assert 2 < len(taken) < 8
    assert told.ids(ExposureConfirmed) == [number for number in taken if number != 2]
    assert told.handed_over == []
    failed = told.of(ReadoutEnded)[1].time + 12
    assert all(fact.begun <= failed for fact in told.of(ExposureTaken))


def test_a_set_that_was_complete_before_the_failure_is_handed_over(story: Any, told_ingest: Any) -> None:
    told = story(ingest=told_ingest(loses={4}), oods_timeout=2)
    with pytest.raises(IngestError):
        clock.run(told.run)
    assert [kind for _, kind, _ in told.handed_over] == ["BIAS"]


def test_a_refused_exposure_ends_data_taking_and_what_was_taken_is_confirmed(
    story: Any, told_camera: Any
) -> None:
    told = story(camera=told_camera(refuses={5}))
    with pytest.raises(AcquisitionError, match="exposure 5 was refused"):
        clock.run(told.run)
    assert len(told.camera.taken) == 5
    assert told.ids(ExposureTaken) == told.ids(ExposureConfirmed) == [1, 2, 3, 4]
    assert [kind for _, kind, _ in told.handed_over] == ["BIAS"]


def test_a_file_that_the_butler_does_not_know_is_a_warning(
    story: Any, told_archive: Any, caplog: Any
) -> None:
    told = story(archive=told_archive(unknown={FIRST}))
    with caplog.at_level(logging.WARNING):
        clock.run(told.run)
    assert f"exposure {FIRST} is not there" in caplog.text
    fact = told.of(ExposureConfirmed)[0]
    assert (fact.physical_filter, fact.files) == (None, ())
    assert len(told.of(ExposureConfirmed)) == 8


def test_a_lost_end_of_readout_is_a_warning_and_the_oods_decides(
    story: Any, told_camera: Any, caplog: Any
) -> None:
    told = story(camera=told_camera(loses_readout={3}))
    with caplog.at_level(logging.WARNING):
        clock.run(told.run)
    assert f"Exposure {FIRST + 2}: no endReadout came" in caplog.text
    assert 3 not in told.ids(ReadoutEnded)
    assert told.ids(ExposureConfirmed) == list(range(1, 9))


def stop_after(told: Story, seconds: float) -> float:
    """Run, cancel after a while, and return the simulated time at which all was over."""

    async def main() -> float:
        running = asyncio.ensure_future(told.run())
        await asyncio.sleep(seconds)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return told.now()

    return clock.run(main)


def test_an_exposure_that_was_under_way_when_the_run_was_stopped_is_in_the_journal(story: Any) -> None:
    told = story()
    end = stop_after(told, 20.0)  # the dark of 10 s is half over
    assert told.camera.taken[-1][:2] == ("DARK", 10)
    assert told.ids(ExposureTaken) == [1, 2, 3, 4, 5]
    assert told.of(ExposureTaken)[-1].exp_time == 10
    assert told.ids(ExposureConfirmed) == [1, 2, 3, 4, 5]
    assert end < 20.0 + 2 * 25.0


def test_a_stop_does_not_wait_longer_than_the_queue_does(
    story: Any, told_camera: Any, told_ingest: Any
) -> None:
    told = story(ingest=told_ingest(delay=500.0), exp_times_dark=[1000, 1000, 1000], oods_timeout=600)
    end = stop_after(told, 100.0)
    assert end <= 100.0 + 55.0
    assert told.ids(ExposureTaken) == [1, 2, 3]


def test_an_exposure_that_the_journal_cannot_take_is_named(
    story: Any, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    told = story()
    note = told.context.note

    def full(fact: Any) -> None:
        if isinstance(fact, ExposureTaken) and fact.image_type == "DARK":
            raise JournalError("the journal cannot be written: No space left on device", advice="Make room.")
        note(fact)

    monkeypatch.setattr(told.context, "note", full)
    with pytest.raises(JournalError, match="DARK AT_O_20250115_000004 was taken, and the journal"):
        clock.run(told.run)
    under_way = told.under_way
    assert under_way is not None
    assert (under_way.image_type, under_way.position) == ("DARK", 1)
    assert "the DARK AT_O_20250115_000004 was taken, and the journal cannot be written" in caplog.text


def test_a_stop_waits_for_any_exposure_of_the_daily_default(story: Any) -> None:
    told = story(exp_times_dark=[30, 30, 30])
    assert stop_after(told, 7.0) == pytest.approx(
        42.0
    )  # the dark was begun at 6 s, and is confirmed 6 s after its end
    assert told.ids(ExposureConfirmed) == [1, 2, 3, 4]


def test_a_stop_waits_for_no_exposure_that_cannot_end_in_time(story: Any) -> None:
    told = story(exp_times_dark=[60, 60, 60])
    assert stop_after(told, 20.0) == 21.0
    assert told.under_way.exp_time == 60


def test_no_exposure_is_begun_after_a_stop_between_exposures(story: Any) -> None:
    told = story(wait_between_exposures=100)
    stop_after(told, 50.0)
    assert len(told.camera.taken) == 1
    assert told.ids(ExposureConfirmed) == [1]


def test_no_exposure_is_begun_after_a_stop_while_the_last_one_is_read_out(story: Any) -> None:
    told = story()
    stop_after(told, 1.0)
    assert len(told.camera.taken) == 1
    assert len(told.of(ExposureBegun)) == 1
    assert told.ids(ExposureConfirmed) == [1]


def test_no_exposure_is_begun_after_a_stop_while_the_camera_is_not_ready(
    story: Any, told_camera: Any
) -> None:
    told = story(camera=told_camera(ready=10.0))
    assert stop_after(told, 3.0) == 3.0
    assert told.camera.taken == []
    assert told.under_way is None


def test_who_stops_an_exposure_that_is_refused_leaves_none_alone(story: Any, told_camera: Any) -> None:
    told = story(camera=told_camera(refuses={1}, hesitates=5.0))
    assert stop_after(told, 3.0) == 5.0
    assert told.under_way is None
    assert told.context.record.exposures == {}


def test_a_stop_after_the_last_exposure_still_notes_what_the_oods_confirms(story: Any) -> None:
    told = story()
    stop_after(told, 54.0)  # the last readout has ended, its confirmation comes 4 s later
    assert told.ids(ExposureTaken) == list(range(1, 9))
    assert told.ids(ExposureConfirmed) == list(range(1, 9))


def test_a_failure_among_the_last_exposures_still_settles_the_others(story: Any, told_ingest: Any) -> None:
    told = story(ingest=told_ingest(loses={7}, delays={8: 50.0}), oods_timeout=12)
    with pytest.raises(IngestError, match="AT_O_20250115_000007"):
        clock.run(told.run)
    assert told.ids(ExposureConfirmed) == [1, 2, 3, 4, 5, 6, 8]


def hold(told: Story, numbers: Sequence[int], *, lost: Sequence[int] = ()) -> None:
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
        told.context.note(fact)
        end = (
            ExposureLost(time=fact.time, id=fact.id, reason="")
            if number in lost
            else ExposureConfirmed(time=fact.time, id=fact.id, physical_filter="r~empty", files=())
        )
        told.context.note(end)
    told.facts.clear()


def test_exposures_that_the_journal_holds_are_not_taken_again(story: Any) -> None:
    told = story()
    hold(told, [1, 2, 3, 4])
    clock.run(told.run)
    assert [kind for kind, _, _ in told.camera.taken] == ["DARK", "DARK", "FLAT", "FLAT"]
    assert told.handed_over[0] == (0.0, "BIAS", [FIRST - 98, FIRST - 97])
    assert told.handed_over[1][1:] == ("DARK", [FIRST, FIRST + 1])
    assert [fact.position for fact in told.of(ExposureTaken)] == [2, 3, 1, 2]
    assert [name for _, name in told.checkpoints] == [
        "DARK: 2 of 3 images", "DARK 2 of 3, 10 s", "DARK 3 of 3, 15 s",
        "FLAT: 2 images", "FLAT 1 of 2, 3 s", "FLAT 2 of 2, 4 s",
    ]  # fmt: skip


def test_an_exposure_that_is_lost_is_taken_again_in_its_place(story: Any) -> None:
    told = story()
    hold(told, [1, 2, 3, 4, 5, 6], lost=[1, 5])
    clock.run(told.run)
    assert [(kind, seconds) for kind, seconds, _ in told.camera.taken] == [
        ("BIAS", 0), ("DARK", 10), ("FLAT", 3), ("FLAT", 4),
    ]  # fmt: skip
    assert [fact.discarded for fact in told.of(ExposureTaken)] == [True, False, False, False]
    handed_over = {kind: ids for _, kind, ids in told.handed_over}
    assert handed_over["BIAS"] == [FIRST - 98, FIRST - 97]
    assert handed_over["DARK"] == [FIRST + 1, FIRST - 94]


def test_with_all_exposures_there_is_nothing_to_take_and_no_checkpoint(story: Any) -> None:
    told = story()
    hold(told, range(1, 9))
    clock.run(told.run)
    assert (told.camera.taken, told.checkpoints) == ([], [])
    assert [kind for _, kind, _ in told.handed_over] == ["BIAS", "DARK", "FLAT"]


def test_every_exposure_is_announced_in_the_journal_before_the_camera_hears_of_it(story: Any) -> None:
    told = story()
    clock.run(told.run)
    assert [fact.group_id for fact in told.of(ExposureBegun)] == [group for _, _, group in told.camera.taken]
    assert [fact.time for fact in told.of(ExposureBegun)] == [fact.begun for fact in told.of(ExposureTaken)]
    assert told.context.record.begun is None


@pytest.mark.parametrize("stops", [1, 2])
async def test_a_stop_while_the_last_exposures_are_waited_for_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch, stops: int
) -> None:
    monkeypatch.setattr(acquisition, "STOP_CONFIRMATION", 0.01 if stops == 1 else 100.0)
    confirmation = asyncio.ensure_future(asyncio.sleep(100))
    settling = asyncio.ensure_future(acquisition._settle([confirmation], None))
    for _ in range(stops):
        await asyncio.sleep(0)
        settling.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await settling
    assert confirmation.cancelled()
