"""Images in journal and summary, in evidence that is made by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from lsst.ts.calibrations.domain.instruments import ImageType
from lsst.ts.simulated_observatory.campaign.invariants.images import OTHER_NIGHT
from lsst.ts.simulated_observatory.campaign.scenario import Act
from lsst.ts.simulated_observatory.embedded_sal.enums import SalRetCode, ScriptState

from .by_hand import FIRST, HandMade, entry


class TestPlaces:
    @pytest.mark.parametrize("discarded", [True, False])
    @pytest.mark.parametrize("place", ["journal", "summary"])
    def test_the_first_are_discarded(self, made: HandMade, place: str, discarded: bool) -> None:
        made.take(5.0, 1)
        written = {"journal": entry(1, discarded=True), "summary": entry(1, discarded=True)}
        written[place]["discarded"] = discarded
        made.note("ExposureTaken", **written["journal"], position=1)
        made.summary = {"exposures": [written["summary"]]}
        name = "AT_O_20250115_000001, BIAS number 1"
        words = [f"the {place} has {name}, as discarded False"]
        assert made.violations("exposures-are-filed") == ([] if discarded else words)

    @pytest.mark.parametrize(("stopped", "violations"), [(39.0, 1), (38.0, 0), (37.0, 0)])
    def test_a_stop_waits_a_moment_for_the_exposure_under_way(
        self, made: HandMade, stopped: float, violations: int
    ) -> None:
        made.send(stopped, "", "interruption", act=str(Act.TERM))
        made.state(stopped + 1.0, ScriptState.STOPPING)
        made.take(40.0, 1)
        made.state(60.0, ScriptState.FAILED)
        words = [f"the journal has not the exposures [{FIRST}], which the camera confirmed"]
        assert made.violations("exposures-are-filed") == words[:violations]

    @pytest.mark.parametrize("position", [1, 2])
    def test_one_that_is_taken_again_has_the_place_of_the_lost_one(
        self, made: HandMade, position: int
    ) -> None:
        for number in (1, 2):
            made.take(10.0 * number, number)
            made.note("ExposureTaken", **entry(number, discarded=number == 1), position=number)
        made.resume()
        made.note("ExposureLost", id=FIRST)
        for number, place in ((3, position), (4, 3)):
            made.take(10.0 * number, number)
            made.note("ExposureTaken", **entry(number, discarded=place == 1), position=place)
        words = ["the journal has AT_O_20250115_000003, BIAS number 1, as discarded False"]
        assert made.violations("exposures-are-filed") == ([] if position == 1 else words)
        assert [each.id - FIRST for each in made.evidence.kept[ImageType.BIAS]] == [1, 3]


class TestIngests:
    def test_what_the_oods_published_in_time_is_filed(self, made: HandMade) -> None:
        made.take(5.0, 1)
        made.ingest(8.0, 1)
        made.state(20.0, ScriptState.FAILED)
        words = [f"the OODS published in time that it has [{FIRST}], and they are not filed as ingested"]
        assert made.violations("ingests-are-true") == words
        made.note("ExposureConfirmed", id=FIRST)
        assert made.violations("ingests-are-true") == []

    @pytest.mark.parametrize(("published", "stopped"), [(8.0, 7.0), (66.0, 100.0)])
    def test_nobody_waits_for_the_oods_after_a_stop_or_too_long(
        self, made: HandMade, published: float, stopped: float
    ) -> None:
        made.take(5.0, 1)
        made.ingest(published, 1)
        made.send(stopped, "", "interruption", act=str(Act.STOP))
        made.state(200.0, ScriptState.STOPPED)
        assert made.violations("ingests-are-true") == []

    @pytest.mark.parametrize(("ingested", "word"), [(True, "has"), (False, "has not")])
    def test_the_summary_says_what_the_journal_says(self, made: HandMade, ingested: bool, word: str) -> None:
        made.take(5.0, 1)
        made.ingest(8.0, 1)
        if not ingested:
            made.note("ExposureConfirmed", id=FIRST)
        made.summary = {"exposures": [entry(1, ingested=ingested)]}
        words = [f"the summary {word} exposure {FIRST} as ingested, and the journal says otherwise"]
        assert made.violations("ingests-are-true") == words


class TestLostExposures:
    @pytest.mark.parametrize(
        ("there", "published", "violations"), [(True, False, 1), (False, True, 1), (False, False, 0)]
    )
    def test_only_what_was_not_there_by_then_is_lost(
        self, made: HandMade, there: bool, published: bool, violations: int
    ) -> None:
        made.take(5.0, 1)
        made.note("ExposureTaken", **entry(1), position=1)
        made.resume()
        made.raws = frozenset({(FIRST, 0)} if there else ())
        if published:
            made.ingest(20.0, 1)
        made.note("ExposureLost", id=FIRST)
        made.ingest(90.0, 1)
        words = [f"[{FIRST}] are filed as lost, and the repository has them"]
        assert made.violations("few-are-taken-again") == words[:violations]


class TestNumbersOfOthers:
    QUERY = f"exposure IN ({FIRST})"

    def _exchange(self, made: HandMade) -> None:
        """The end of the first job makes the number mean an exposure of another group."""
        made.strikes = {0: Counter([OTHER_NIGHT])}
        made.take(5.0, 1)
        made.datasets.__dict__["exposures"] = {FIRST: ("another group", "BIAS", 0.0)}
        made.submit(10.0, query=self.QUERY)
        made.send(40.0, "OCPS", "evt_job_result", job_id="0" * 32, exit_code=0)

    @pytest.mark.parametrize(("asked", "violations"), [(30.0, 0), (50.0, 1)])
    def test_no_job_is_asked_for_after_that(self, made: HandMade, asked: float, violations: int) -> None:
        self._exchange(made)
        made.submit(asked, "1" * 32, query=self.QUERY, number=10)
        words = [f"verify BIAS was asked for, and [{FIRST}] mean other exposures by then"]
        assert made.violations("numbers-mean-what-they-meant") == words[:violations]

    def test_no_later_part_asks_for_a_job(self, made: HandMade) -> None:
        self._exchange(made)
        made.resume()
        made.submit(1.0, "1" * 32, query=self.QUERY)
        assert len(made.violations("numbers-mean-what-they-meant")) == 1

    def test_the_end_of_a_job_of_a_later_part_is_later(self, made: HandMade) -> None:
        """Each part counts the seconds from its own begin."""
        self._exchange(made)
        made.submit(30.0, "1" * 32, query=self.QUERY, number=10)
        made.resume()
        made.submit(1.0, "2" * 32, query=f"exposure IN ({FIRST + 1})")
        made.send(20.0, "OCPS", "evt_job_result", job_id="2" * 32, exit_code=0)
        assert made.violations("numbers-mean-what-they-meant") == []

    def test_what_the_last_of_two_exchanges_took_could_be_asked_for_before(self, made: HandMade) -> None:
        self._exchange(made)
        made.faults = (f"{OTHER_NIGHT}:times=2",)
        made.submit(50.0, "1" * 32, query=self.QUERY, number=10)
        made.send(80.0, "OCPS", "evt_job_result", job_id="1" * 32, exit_code=0)
        assert made.violations("numbers-mean-what-they-meant") == []

    def test_the_right_numbers_can_be_asked_for(self, made: HandMade) -> None:
        self._exchange(made)
        made.datasets.__dict__["exposures"] = {FIRST: ("AT_O_20250115_000001", "BIAS", 0.0)}
        made.submit(50.0, "1" * 32, query=self.QUERY, number=10)
        assert made.violations("numbers-mean-what-they-meant") == []

    def test_one_that_means_another_is_not_ingested(self, made: HandMade) -> None:
        self._exchange(made)
        made.ingest(42.0, 1)
        made.state(80.0, ScriptState.FAILED)
        assert made.violations("ingests-are-true") == []

    def test_one_that_means_another_is_rightly_lost(self, made: HandMade) -> None:
        self._exchange(made)
        made.note("ExposureTaken", **entry(1), position=1)
        made.resume()
        made.raws = frozenset({(FIRST, 0)})
        made.note("ExposureLost", id=FIRST)
        assert made.violations("few-are-taken-again") == []


class TestDataTaking:
    @pytest.mark.parametrize(
        ("faults", "stopped", "violations"),
        [
            (["ocps-exit"], False, 1),
            (["ocps-exit", "clock-step"], False, 1),
            (["ocps-exit", "camera-fault"], False, 0),
            (["ocps-exit"], True, 0),
            (["ocps-offline"], False, 1),
        ],
    )
    def test_a_job_that_fails_costs_no_image(
        self, made: HandMade, faults: list[str], stopped: bool, violations: int
    ) -> None:
        made.note("RunConfigured")
        made.strikes = {0: Counter(faults)}
        for number in (1, 2):
            made.take(10.0 * number, number)
        if stopped:
            made.send(25.0, "", "interruption", act=str(Act.STOP))
        made.state(30.0, ScriptState.FAILED)
        words = ["these images were not taken, and only jobs went wrong: 1 BIAS"]
        assert made.violations("data-taking-goes-on") == words[:violations]

    def test_a_run_that_the_check_refuses_takes_none(self, made: HandMade) -> None:
        made.note("RunConfigured")
        made.strikes = {0: Counter(["ocps-offline"])}
        made.state(3.0, ScriptState.FAILED)
        assert made.violations("data-taking-goes-on") == []


def test_a_refusal_is_no_news_of_the_exposure_before(made: HandMade) -> None:
    made.take(5.0, 1)
    values = {"private_seqNum": 2, "expTime": 0.0, "keyValueMap": ""}
    made.send(9.0, "ATCamera", "cmd_takeImages", **values)
    made.send(9.5, "ATCamera", "ack_ackcmd", private_seqNum=2, ack=int(SalRetCode.CMD_FAILED), result="")
    assert [each.time for each in made.evidence.events.exposures] == [5.0]
