"""The script expects the pairs of flats that the pipeline makes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lsst.ts.calibrations.domain.exposure_times import TOLERANCE, flat_pairs
from lsst.ts.simulated_observatory.pipelines.flatpairs import Flat, pair_flats

FIRST = 2025011500001

# Multiples of 1 ms around a few times: so that what is close to what is not transitive.
near_times = st.builds(
    lambda seconds, milliseconds: seconds + milliseconds / 1000,
    st.sampled_from([0.1, 5.0, 15.0]),
    st.integers(0, 12),
)


def by_the_pipeline(times: Sequence[float], filters: Sequence[str]) -> list[tuple[int, int]]:
    """Pair flats with consecutive ids by the rule of the pipeline; return their positions."""
    flats = [
        Flat(FIRST + position, time, name)
        for position, (time, name) in enumerate(zip(times, filters, strict=True))
    ]
    return [(first - FIRST, second - FIRST) for first, second in pair_flats(flats)]


@given(st.lists(near_times, max_size=16))
@example([5, 5.003, 5, 5.003])
@example([5.0, 5.004, 5.008])
@example([5.008, 5.004, 5.0])
@example([5.0, 5.008, 5.004])
@example([5.0, 5.008, 5.004, 5.012])
@example([5.0, 5.005])
def test_flats_are_paired_as_the_pipeline_pairs_them(times: list[float]) -> None:
    found = flat_pairs(times)
    assert list(found.pairs) == by_the_pipeline(times, ["r"] * len(times))
    assert sorted([*(each for pair in found.pairs for each in pair), *found.unpaired]) == list(
        range(len(times))
    )


@given(st.lists(st.tuples(near_times, st.sampled_from("rg")), max_size=16))
def test_flats_through_other_filters_are_no_pair(flats: list[tuple[float, str]]) -> None:
    times, filters = [time for time, _ in flats], [name for _, name in flats]
    assert list(flat_pairs(times, filters).pairs) == by_the_pipeline(times, filters)


@given(st.lists(near_times, max_size=16))
def test_no_two_flats_without_a_partner_fit_each_other(times: list[float]) -> None:
    alone = sorted(times[each] for each in flat_pairs(times).unpaired)
    assert all(later - earlier > TOLERANCE for earlier, later in pairwise(alone))


@pytest.mark.parametrize(
    ("times", "pairs", "unpaired"),
    [
        ([5, 5.003, 5, 5.003], ((0, 1), (2, 3)), ()),
        ([5.0, 5.004, 5.008], ((0, 1),), (2,)),
        ([5.0, 5.008, 5.004], ((0, 2),), (1,)),
        ([5.0, 5.01, 5.0, 5.01], ((0, 2), (1, 3)), ()),
    ],
)
def test_nearly_equal_times_are_paired_in_their_order(
    times: list[float], pairs: tuple[tuple[int, int], ...], unpaired: tuple[int, ...]
) -> None:
    assert (flat_pairs(times).pairs, flat_pairs(times).unpaired) == (pairs, unpaired)


def test_a_filter_that_is_not_known_may_be_any() -> None:
    assert flat_pairs([5, 5, 5, 5], ["r", None, "g", "g"]).pairs == ((0, 1), (2, 3))
