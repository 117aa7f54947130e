"""What every plan has in common: how many images, in which order, how long, and which of them are used."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.exposure_times import flat_pairs
from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.calibrations.domain.jobs import data_query
from lsst.ts.calibrations.workflow.plan import (
    INGEST,
    JOB_PER_IMAGE,
    JOB_START_UP,
    SET_UP,
    Plan,
    make_plan,
)

MODES = {
    "BIAS": ["BIAS"], "DARK": ["DARK"], "BIAS_DARK": ["BIAS", "DARK"],
    "BIAS_DARK_FLAT": ["BIAS", "DARK", "FLAT"],
}  # fmt: skip
seconds = st.integers(1, 60) | st.floats(0.1, 60).map(lambda time: round(time, 2))


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Options that go together."""
    options: dict[str, Any] = {
        "script_mode": draw(st.sampled_from(sorted(MODES))),
        "wait_between_exposures": draw(st.sampled_from([0, 0.5, 7])),
        "do_verify": draw(st.booleans()),
        "do_gain_from_flat_pairs": draw(st.booleans()),
    }
    for kind in ("bias", "dark", "flat"):
        n, n_discard = draw(st.integers(1, 8)), draw(st.integers(0, 3))
        options |= {f"n_{kind}": n, f"n_discard_{kind}": n_discard}
        if kind != "bias":
            fitting = [st.lists(seconds, min_size=size, max_size=size) for size in (n, n + n_discard)]
            options[f"exp_times_{kind}"] = draw(st.one_of(seconds, *fitting))
    return options


def plan(options: dict[str, Any], **others: Any) -> Plan:
    return make_plan(CalibrationConfig.from_namespace(options | others, LATISS), LATISS)


@given(requests())
def test_each_type_is_taken_once_in_order_with_all_that_was_asked_for(options: dict[str, Any]) -> None:
    made = plan(options)
    assert [each.image_type for each in made.sets] == MODES[options["script_mode"]]
    for each in made.sets:
        kind = each.image_type.lower()
        n, n_discard = options[f"n_{kind}"], options[f"n_discard_{kind}"]
        assert (each.n_images, each.n_discard, len(each.kept_times)) == (n + n_discard, n_discard, n)
        assert each.kept_times == each.exposure_times[n_discard:]
    assert made.n_images == sum(each.n_images for each in made.sets)


@given(requests())
def test_exposure_times_are_the_given_ones_in_the_given_order(options: dict[str, Any]) -> None:
    for each in plan(options).sets:
        if each.image_type is ImageType.BIAS:
            assert set(each.exposure_times) == {0.0}
            continue
        given_times = options[f"exp_times_{each.image_type.lower()}"]
        if not isinstance(given_times, list):
            assert set(each.exposure_times) == {given_times}
        elif len(given_times) == each.n_images:
            assert list(each.exposure_times) == given_times
        else:
            assert list(each.kept_times) == given_times
            assert set(each.exposure_times[: each.n_discard]) <= {given_times[0]}


@given(requests())
def test_the_duration_is_the_sum_of_its_parts(options: dict[str, Any]) -> None:
    made, wait = plan(options), options["wait_between_exposures"]
    floor = -wait
    for each in made.sets:
        shutter = LATISS.shutter_time if each.image_type is ImageType.FLAT else 0.0
        for time in each.exposure_times:
            floor += time + shutter + LATISS.readout_time + wait
    assert made.floor == pytest.approx(floor)
    bare = plan(options, do_verify=False, do_gain_from_flat_pairs=False)
    assert bare.duration == pytest.approx(SET_UP + floor + max(INGEST, wait))
    assert made.duration >= bare.duration
    if options["do_verify"]:
        last = len(made.sets[-1].kept_times)
        least = SET_UP + floor + INGEST + JOB_START_UP + JOB_PER_IMAGE * last
        assert made.duration >= least or made.duration == pytest.approx(least)


@given(requests(), st.sampled_from(["bias", "dark", "flat"]))
def test_one_more_image_lasts_one_image_longer(options: dict[str, Any], kind: str) -> None:
    options[f"exp_times_{kind}"] = 7.0  # a list would not fit both
    longer = options | {f"n_{kind}": options[f"n_{kind}"] + 1}
    options, longer = ({k: v for k, v in each.items() if k != "exp_times_bias"} for each in (options, longer))
    taken = kind.upper() in MODES[options["script_mode"]]
    image = LATISS.readout_time + options["wait_between_exposures"]
    image += {"bias": 0.0, "dark": 7.0, "flat": 7.0 + LATISS.shutter_time}[kind]
    assert plan(longer).floor - plan(options).floor == pytest.approx(image if taken else 0.0)
    assert plan(longer).duration >= plan(options).duration


@given(st.lists(seconds, max_size=20))
def test_every_flat_is_in_one_pair_or_alone_and_pairs_are_of_one_time(times: list[float]) -> None:
    found = flat_pairs(times)
    assert sorted([*(each for pair in found.pairs for each in pair), *found.unpaired]) == list(
        range(len(times))
    )
    assert all(times[first] == times[second] and first < second for first, second in found.pairs)
    alone = [times[each] for each in found.unpaired]
    assert len(set(alone)) == len(alone)


ids = st.lists(st.integers(2025011500001, 2025011599999), min_size=1, max_size=30, unique=True)


@given(ids, st.lists(st.integers(0, 188), min_size=1, max_size=9, unique=True))
def test_a_job_is_about_exactly_the_exposures_and_detectors_that_it_is_given(
    exposures: list[int], detectors: list[int]
) -> None:
    query = data_query(LATISS, detectors, exposures)
    asked = dict(re.findall(r"(exposure|detector) IN \(([\d, ]+)\)", query))
    assert [int(each) for each in asked["exposure"].split(",")] == exposures
    assert [int(each) for each in asked["detector"].split(",")] == detectors
