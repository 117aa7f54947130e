"""Exposure times for every image, and pairs of flats."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lsst.ts.calibrations.domain.exposure_times import fitting_times, flat_pairs, times_per_exposure

times_of_flats = st.lists(st.sampled_from([0.1, 1.0, 5.0, 30.0]), max_size=40)


def test_one_time_serves_all() -> None:
    assert times_per_exposure(5, 3, 1) == (5.0, 5.0, 5.0, 5.0)


def test_a_list_may_include_the_discarded_images_or_leave_them_to_the_first_time() -> None:
    assert times_per_exposure([1, 2, 3, 4], 3, 1) == (1.0, 2.0, 3.0, 4.0)
    assert times_per_exposure([2, 3, 4], 3, 1) == (2.0, 2.0, 3.0, 4.0)
    assert times_per_exposure([1.2, 1.2], 2, 1) == (1.2, 1.2, 1.2)


def test_any_other_length_is_refused() -> None:
    with pytest.raises(ValueError, match="5 exposure times do not fit 3 images"):
        times_per_exposure([1] * 5, 3, 1)


def test_the_daily_flats_are_ten_pairs() -> None:
    pairs = flat_pairs([5.0] * 20)
    assert pairs.pairs == tuple((first, first + 1) for first in range(0, 20, 2))
    assert pairs.unpaired == ()


def test_the_eleven_flats_of_the_page_are_three_pairs() -> None:
    pairs = flat_pairs([0.1, 0.1, 0.35, 0.35, 0.6, 0.6, 1, 1.5, 1.7, 2.1, 2.3])
    assert pairs.pairs == ((0, 1), (2, 3), (4, 5))
    assert pairs.unpaired == (6, 7, 8, 9, 10)


def test_pairs_need_not_be_neighbours() -> None:
    assert flat_pairs([5, 10, 5, 10, 5]).pairs == ((0, 2), (1, 3))


@given(times_of_flats)
def test_every_flat_is_in_one_pair_or_alone(times: list[float]) -> None:
    found = flat_pairs(times)
    assert sorted([*sum(found.pairs, ()), *found.unpaired]) == list(range(len(times)))
    assert all(times[first] == times[second] and first < second for first, second in found.pairs)
    alone = [times[position] for position in found.unpaired]
    assert len(set(alone)) == len(alone)


@given(st.lists(st.floats(0.1, 100), min_size=1, max_size=30), st.integers(1, 40), st.integers(0, 5))
def test_a_proposed_list_fits(times: list[float], n: int, n_discard: int) -> None:
    proposed = fitting_times(times, n, n_discard)
    assert times_per_exposure(proposed, n, n_discard) == tuple(proposed)
    assert set(proposed) <= set(times)
