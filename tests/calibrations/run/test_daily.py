"""The same configuration is queued day after day: each run certifies its own, and finds what was before."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from lsst.daf.butler import Butler, CollectionType

from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.config.observing_day import daily_lines
from lsst.ts.calibrations.domain.errors import NoAnswer
from lsst.ts.calibrations.journal.facts import JobSubmitted, RunConfigured

from .interrupted import Observed, after

DAY = 86_400.0
LAST = "LATISS/calib/daily/calib.{day_obs}.{n}"
DAILY = "\n".join(
    [
        "script_mode: BIAS",
        "generate_calibrations: true",
        "n_bias: 12",
        "n_discard_bias: 0",
        f"input_collections_bias: '{LAST},LATISS/calib'",
        *daily_lines("LATISS/calib/daily"),
    ]
)


ONCE = "script_mode: BIAS\ngenerate_calibrations: true\nn_bias: 12\nn_discard_bias: 0\n"


@pytest.fixture
def first(observed: Callable[..., Observed]) -> Observed:
    """The first day, on which somebody has certified before."""
    case = observed(DAILY)
    with Butler.from_config(str(case.folder / "repo"), writeable=True) as butler:
        butler.collections.register("LATISS/calib/daily/calib.20250115.3", CollectionType.CALIBRATION)
    case.begin()
    assert case.state == "DONE", case.reason
    return case


def next_day(before: Observed, case: Observed) -> Observed:
    """Run a day after another run, in its repository."""
    assert case.copy is not None
    case.copy.renew(before.folder / "repo")
    case.parts = 1  # jobs have other ids than those of the first
    case.begin(later=DAY)
    return case


def certified(case: Observed) -> list[Any]:
    return [(each["collection"], each["begin"], each["end"]) for each in case.summary["certified"]]


def test_every_day_certifies_in_a_collection_of_its_own_and_finds_the_last(
    first: Observed, observed: Callable[..., Observed]
) -> None:
    name = "LATISS/calib/daily/calib.20250115.4"
    assert certified(first) == [(name, "2025-01-15T12:00:00.000", "2025-01-16T12:00:00.000")]
    assert first.summary["config"]["calib_collection"] == name
    assert any(line.startswith("On observing day 20250115: ") and name in line for line in first.log)

    second = next_day(first, observed(DAILY))
    assert second.state == "DONE", second.reason
    assert certified(second) == [
        ("LATISS/calib/daily/calib.20250116.1", "2025-01-16T12:00:00.000", "2025-01-17T12:00:00.000")
    ]
    generation = second.facts(JobSubmitted)[0]
    assert f"-i {name},LATISS/calib " in generation.config


def test_a_run_that_is_resumed_the_next_day_keeps_the_day_on_which_it_began(
    observed: Callable[..., Observed],
) -> None:
    case = observed(DAILY)
    assert case.killed(case.begin, prepare=after(JobSubmitted))
    (configured,) = case.facts(RunConfigured)
    assert yaml.safe_load(configured.text)["calib_collection"] == "LATISS/calib/daily/calib.20250115.1"
    case.resume(later=DAY)
    assert case.state == "DONE", case.reason
    assert certified(case)[0][0] == "LATISS/calib/daily/calib.20250115.1"


def test_a_range_that_is_taken_is_answered_with_lines_to_paste(observed: Callable[..., Observed]) -> None:
    first = observed(ONCE)
    first.begin()
    assert first.state == "DONE", first.reason
    second = next_day(first, observed(ONCE))
    assert second.state == "FAILED"
    assert not second.exposed
    assert "LATISS/calib/daily already has bias valid from" in second.reason
    lines = [line.strip() for line in second.reason.splitlines()]
    begin = lines.index("calib_collection: LATISS/calib/daily/calib.{day_obs}.{n}")
    assert lines[begin : begin + 3] == list(daily_lines("LATISS/calib/daily"))
    pasted = next_day(first, observed("\n".join([ONCE, *lines[begin : begin + 3]])))
    assert pasted.state == "DONE", pasted.reason


def test_what_a_day_means_is_not_guessed_when_the_butler_cannot_be_asked(
    observed: Callable[..., Observed], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The preflight may have an answer again: another collection would then be meant, without a word."""

    async def silent(_: Archive) -> list[str]:
        raise NoAnswer("the Butler has answered nothing for 600 s", advice="Resume the run.")

    monkeypatch.setattr(Archive, "collections", silent)
    case = observed(DAILY)
    case.begin()
    assert case.state == "FAILED"
    assert not case.exposed
    assert "the Butler has answered nothing for 600 s.\nNothing was exposed" in case.reason
    assert "run the script again" in case.reason
    assert "Resume" not in case.reason


def again(case: Observed, config: str, later: float) -> None:
    """Queue another script at the same telescope some seconds after the first one."""
    shutil.rmtree(case.run)
    case.config = config
    case.begin(later=later)


def test_the_free_name_for_a_range_once_more_is_no_other_day(observed: Callable[..., Observed]) -> None:
    """What is proposed can be pasted, and the next day the configuration of every day still works."""
    each_day = f"{ONCE}calib_collection: LATISS/calib/daily/calib.{{day_obs}}\n"
    case = observed(each_day)
    case.begin()
    assert case.state == "DONE", case.reason
    again(case, each_day, later=3600.0)
    assert case.state == "FAILED"
    lines = [line.strip() for line in case.reason.splitlines()]
    line = lines[lines.index("For this range once more:") + 1]
    assert line == "calib_collection: LATISS/calib/daily/calib.20250115.2"
    again(case, f"{ONCE}{line}", later=3600.0)
    assert case.state == "DONE", case.reason
    again(case, each_day, later=DAY)
    assert case.state == "DONE", case.reason
    assert certified(case)[0][0] == "LATISS/calib/daily/calib.20250116"


def test_a_pipeline_option_that_is_misspelt_is_told_before_any_exposure(
    observed: Callable[..., Observed],
) -> None:
    case = observed(f"{DAILY}\nconfig_options_bias: -c isr:doDefct=False")
    case.begin()
    assert case.state == "FAILED"
    assert not case.exposed
    assert "config_options_bias: isr:doDefct=False: IsrConfig has no field doDefct" in case.reason
    assert "the nearest is doDefect" in case.reason
