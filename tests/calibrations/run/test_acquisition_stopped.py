"""Taking images that a stop ends: what is under way gets its time, and no exposure is begun any more."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from lsst.ts.calibrations.domain.errors import IngestError
from lsst.ts.calibrations.journal.facts import (
    ExposureBegun,
    ExposureConfirmed,
    ExposureTaken,
)
from lsst.ts.calibrations.run import acquisition
from lsst.ts.calibrations.run.context import STOP_LIMIT
from lsst.ts.simulated_observatory import clock

FIRST = 2025011500001


def stop_after(case: Any, seconds: float) -> float:
    """Run, cancel after a while, and return the simulated time at which all was over."""

    async def main() -> float:
        running = asyncio.ensure_future(case.run())
        await asyncio.sleep(seconds)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return case.now()

    return clock.run(main)


def test_an_exposure_that_was_under_way_when_the_run_was_stopped_is_in_the_journal(make_case: Any) -> None:
    case = make_case()
    assert stop_after(case, 21.5) == 21.5 + STOP_LIMIT  # 1.5 s of the dark of 10 s are left
    assert case.camera.taken[-1][:2] == ("DARK", 10)
    assert case.ids(ExposureTaken) == [1, 2, 3, 4, 5]
    assert case.of(ExposureTaken)[-1].exp_time == 10
    assert case.ids(ExposureConfirmed) == [1, 2, 3, 4], "a resumed run looks for the last one"
    assert case.under_way is None


def test_a_stop_does_not_wait_longer_than_the_queue_does(
    make_case: Any, fake_camera: Any, fake_ingest: Any
) -> None:
    case = make_case(ingest=fake_ingest(delay=500.0), exp_times_dark=[1000, 1000, 1000], oods_timeout=600)
    assert stop_after(case, 100.0) == 100.0 + STOP_LIMIT
    assert case.ids(ExposureTaken) == [1, 2, 3]


def test_a_stop_while_others_are_waited_for_after_a_failure_waits_no_longer(
    make_case: Any, fake_camera: Any, fake_ingest: Any
) -> None:
    case = make_case(camera=fake_camera(refuses={3}), ingest=fake_ingest(delay=500.0), oods_timeout=600)
    assert stop_after(case, 10.0) == 10.0 + STOP_LIMIT
    assert case.ids(ExposureTaken) == [1, 2]


@pytest.mark.parametrize("exp_time", [6, 30, 60])
def test_a_stop_waits_for_no_exposure_that_cannot_end_in_time(make_case: Any, exp_time: float) -> None:
    case = make_case(exp_times_dark=[exp_time] * 3)
    assert stop_after(case, 8.5) == 8.5 + STOP_LIMIT  # the last bias is confirmed at 10 s
    assert case.ids(ExposureTaken) == case.ids(ExposureConfirmed) == [1, 2, 3]
    assert case.under_way.exp_time == exp_time


def test_no_exposure_is_begun_after_a_stop_between_exposures(make_case: Any) -> None:
    case = make_case(wait_between_exposures=100)
    stop_after(case, 50.0)
    assert len(case.camera.taken) == 1
    assert case.ids(ExposureConfirmed) == [1]


def test_no_exposure_is_begun_after_a_stop_while_the_last_one_is_read_out(make_case: Any) -> None:
    case = make_case()
    stop_after(case, 1.0)
    assert len(case.camera.taken) == 1
    assert len(case.of(ExposureBegun)) == 1
    assert case.ids(ExposureTaken) == [1]


def test_no_exposure_is_begun_after_a_stop_while_the_camera_is_not_ready(
    make_case: Any, fake_camera: Any
) -> None:
    case = make_case(camera=fake_camera(ready=10.0))
    assert stop_after(case, 3.0) == 3.0
    assert case.camera.taken == []
    assert case.under_way is None


def test_who_stops_an_exposure_that_is_refused_leaves_none_alone(make_case: Any, fake_camera: Any) -> None:
    case = make_case(camera=fake_camera(refuses={1}, hesitates=4.5))
    assert stop_after(case, 3.0) == 4.5
    assert case.under_way is None
    assert case.context.record.exposures == {}


def test_a_stop_after_the_last_exposure_still_notes_what_the_oods_confirms(make_case: Any) -> None:
    case = make_case()
    stop_after(case, 56.5)  # the last readout has ended, its confirmation comes 1.5 s later
    assert case.ids(ExposureTaken) == list(range(1, 9))
    assert case.ids(ExposureConfirmed) == list(range(1, 9))


def test_a_failure_among_the_last_exposures_still_settles_the_others(
    make_case: Any, fake_ingest: Any
) -> None:
    case = make_case(ingest=fake_ingest(loses={7}, delays={8: 50.0}), oods_timeout=12)
    with pytest.raises(IngestError, match="AT_O_20250115_000007"):
        clock.run(case.run)
    assert case.ids(ExposureConfirmed) == [1, 2, 3, 4, 5, 6, 8]


@pytest.mark.parametrize("stops", [1, 2])
async def test_a_stop_while_the_last_exposures_are_waited_for_leaves_none_behind(
    monkeypatch: pytest.MonkeyPatch, stops: int
) -> None:
    monkeypatch.setattr(acquisition, "STOP_LIMIT", 0.01 if stops == 1 else 100.0)
    confirmation = asyncio.ensure_future(asyncio.sleep(100))
    settling = asyncio.ensure_future(acquisition._settle([confirmation], None))
    for _ in range(stops):
        await asyncio.sleep(0)
        settling.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await settling
    assert confirmation.cancelled()
