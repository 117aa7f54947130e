"""Confirmation of images: whatever the OODS says, and whenever, it counts for the image that it names."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from lsst.ts.calibrations.components.ingest import BEFORE_READOUT, IngestWatcher, detector_name
from lsst.ts.calibrations.domain.errors import IngestError
from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCAM, Instrument

IMAGE, OTHER = "AT_O_20250115_000001", "AT_O_20250115_000002"
DETECTOR = "RXX_S00"


def watch(remote: Any, instrument: Instrument = LATISS) -> IngestWatcher:
    return IngestWatcher(remote, instrument.detectors, logging.getLogger("ingest"))


def now() -> float:
    return asyncio.get_running_loop().time()


def test_an_image_that_was_ingested_before_anyone_asked_is_confirmed_at_once(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        await oods.confirm(IMAGE)
        await asyncio.sleep(1)
        before = now()
        await watcher.confirmed(IMAGE, [DETECTOR], timeout=120)
        assert now() == before

    with_oods(story)


def test_a_late_confirmation_is_waited_for(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        before = now()
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, [DETECTOR], timeout=120))
        await asyncio.sleep(119)
        assert not waiting.done()
        await oods.confirm(IMAGE)
        await waiting
        assert now() - before == pytest.approx(119, abs=0.01)

    with_oods(story)


def test_silence_ends_at_the_time_limit(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        before = now()
        with pytest.raises(IngestError, match=r"within 120 s .*RXX_S00: no imageInOODS came") as caught:
            await watch(remote).confirmed(IMAGE, [DETECTOR], timeout=120)
        assert now() - before == pytest.approx(120)
        assert caught.value.obs_id == IMAGE
        assert caught.value.missing == {DETECTOR: "no imageInOODS came"}

    with_oods(story)


def test_another_image_does_not_count_however_often_it_is_confirmed(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, [DETECTOR], timeout=30))
        for _ in range(3):
            await oods.confirm(OTHER)
            await asyncio.sleep(1)
        with pytest.raises(IngestError, match=IMAGE):
            await waiting

    with_oods(story)


def test_an_error_is_forgotten_when_the_oods_succeeds_later(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, [DETECTOR], timeout=30))
        await oods.confirm(IMAGE, code=1, text="database locked")
        await asyncio.sleep(1)
        assert not waiting.done()
        assert watcher._missing(IMAGE, [DETECTOR]) == {DETECTOR: "statusCode 1: database locked"}
        await oods.confirm(IMAGE)
        await waiting

    with_oods(story)


def test_an_error_takes_no_success_back(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        await oods.confirm(IMAGE)
        await oods.confirm(IMAGE, code=2, text="already ingested")
        await asyncio.sleep(1)
        await watcher.confirmed(IMAGE, [DETECTOR], timeout=1)

    with_oods(story)


def test_the_last_error_is_told_when_the_time_runs_out(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, [DETECTOR], timeout=30))
        await oods.confirm(IMAGE, code=1, text="no such file")
        await asyncio.sleep(5)
        await oods.confirm(IMAGE, code=7, text="bad header")
        with pytest.raises(IngestError, match="RXX_S00: statusCode 7: bad header"):
            await waiting

    with_oods(story)


def test_all_detectors_in_use_must_be_confirmed_and_the_others_do_not_matter(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        used = ["R22_S00", "R22_S11"]
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, used, timeout=30))
        await oods.confirm(IMAGE, "S00", raft="R22")
        await oods.confirm(IMAGE, "S22", raft="R22", code=1, text="nobody uses it")
        await asyncio.sleep(1)
        assert not waiting.done()
        assert list(watcher._missing(IMAGE, used)) == ["R22_S11"]
        await oods.confirm(IMAGE, "S11", raft="R22")
        await waiting

    with_oods(story)


def test_images_are_confirmed_in_any_order(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        ended: list[str] = []

        async def wait(name: str) -> None:
            await watcher.confirmed(name, [DETECTOR], timeout=60)
            ended.append(name)

        waiting = [asyncio.ensure_future(wait(name)) for name in (IMAGE, OTHER)]
        for name in (OTHER, OTHER, IMAGE):
            await asyncio.sleep(5)
            await oods.confirm(name)
        await asyncio.gather(*waiting)
        assert ended == [OTHER, IMAGE]

    with_oods(story)


@pytest.mark.parametrize(
    ("raft", "sensor", "name"),
    [("undef", "RXX_S00", "RXX_S00"), ("", "RXX_S00", "RXX_S00"), ("R22", "S11", "R22_S11")],
)
def test_the_name_of_a_detector_comes_from_two_fields(raft: str, sensor: str, name: str) -> None:
    assert detector_name(raft, sensor) == name


@pytest.mark.parametrize(
    ("instrument", "detector", "sensor"), [(LATISS, "RXX_S00", "S00"), (LSSTCAM, "R22_S11", "S94")]
)
def test_a_file_that_the_butler_refused_is_known_by_its_numbers(
    with_oods: Any, caplog: Any, instrument: Instrument, detector: str, sensor: str
) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote, instrument)
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, [detector], timeout=30))
        await oods.confirm("2025011500001", sensor, raft="R??", code=1, text="ingest failure: locked")
        await asyncio.sleep(1)
        assert watcher._missing(OTHER, [detector]) == {detector: "no imageInOODS came"}
        words = f"{detector}: statusCode 1: ingest failure: locked"
        with pytest.raises(IngestError, match=words):
            await waiting
        told = f"The OODS did not ingest {IMAGE}: {words}"
        assert [record.getMessage() for record in caplog.records] == [told]

    with_oods(story)


def test_a_script_that_waits_in_a_queue_warns_of_no_image_and_later_of_its_own(
    with_oods: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        for name, text in ((OTHER, "ingest failure: locked"), ("??", "metadata failure: no header")):
            await oods.confirm(name, code=1, text=text)
        await asyncio.sleep(BEFORE_READOUT + 1)
        await oods.confirm(IMAGE, code=1, text="ingest failure: full")  # before anyone waits for it
        await asyncio.sleep(BEFORE_READOUT + 1)
        assert caplog.messages == []
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, [DETECTOR], timeout=30))
        await asyncio.sleep(1)
        own = f"The OODS did not ingest {IMAGE}: {DETECTOR}: statusCode 1: ingest failure: full"
        assert caplog.messages == [own]
        for _ in range(2):
            await oods.confirm(OTHER, code=1, text="ingest failure: full")
            await oods.confirm("??", code=2, text="metadata failure: no header")
            await asyncio.sleep(1)
        await oods.confirm(IMAGE)
        await waiting
        nameless = "The OODS did not ingest a file without a name: statusCode 2: metadata failure: no header"
        assert caplog.messages == [own, nameless]

    with_oods(story)


@pytest.mark.parametrize(
    ("published", "refused"),
    [([], False), ([("R22", "S11", 1)], True), ([("R??", "S??", 2)], True), ([("R22", "S00", 1)], False)],
)
def test_an_image_that_is_late_is_told_from_one_that_was_refused(
    with_oods: Any, published: list[tuple[str, str, int]], refused: bool
) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote, LSSTCAM)
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, ["R22_S11", "R22_S12"], timeout=30))
        for raft, sensor, code in published:
            await oods.confirm("??" if raft == "R??" else IMAGE, sensor, raft=raft, code=code, text="full")
        with pytest.raises(IngestError) as caught:
            await waiting
        assert caught.value.refused == refused
        assert ("the option oods_timeout sets the limit" in caught.value.advice) != refused

    with_oods(story)


def test_a_refused_file_that_is_ingested_later_is_confirmed(with_oods: Any) -> None:
    async def story(oods: Any, remote: Any) -> None:
        watcher = watch(remote)
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, [DETECTOR], timeout=30))
        await oods.confirm("2025011500001", "S00", raft="R??", code=1, text="ingest failure: locked")
        await oods.confirm(IMAGE)
        await oods.confirm("2025011500001", "S00", raft="R??", code=1, text="ingest failure: it is there")
        await waiting

    with_oods(story)


@pytest.mark.parametrize(("obsid", "code"), [("??", 2), ("", 0)])
def test_what_came_of_files_without_a_name_is_told_if_an_image_is_missing(
    with_oods: Any, obsid: str, code: int
) -> None:
    async def story(oods: Any, remote: Any) -> None:
        await oods.confirm(obsid, "S??", raft="R??", code=code, text="of a run before")
        await asyncio.sleep(3600)
        watcher = watch(remote)  # it finds the last one in the history
        await asyncio.sleep(1)
        waiting = asyncio.ensure_future(watcher.confirmed(IMAGE, [DETECTOR], timeout=30))
        for _ in range(2):
            await oods.confirm(obsid, "S??", raft="R??", code=code, text="metadata failure: no header")
        with pytest.raises(IngestError, match="RXX_S00: no imageInOODS came") as caught:
            await waiting
        assert f"of files without a name it published statusCode {code}: metadata failure: no header)" in str(
            caught.value
        )
        await watcher.confirmed(OTHER, [], timeout=1)
        await asyncio.sleep(100)
        with pytest.raises(IngestError) as later:
            await watcher.confirmed(OTHER, [DETECTOR], timeout=30)
        assert "without a name" not in str(later.value)

    with_oods(story)
