from __future__ import annotations

from lsst.ts.simulated_observatory.pipelines.flatpairs import Flat, pair_flats


def exposures(*times: float, physical_filter: str = "r") -> list[Flat]:
    return [Flat(number, time, physical_filter) for number, time in enumerate(times, start=1)]


def test_twenty_equal_flats_are_ten_pairs() -> None:
    assert pair_flats(exposures(*[5.0] * 20)) == [(number, number + 1) for number in range(1, 20, 2)]


def test_list_of_the_procedure_page_has_three_pairs_of_short_flats() -> None:
    times = (0.1, 0.1, 0.35, 0.35, 0.6, 0.6, 1, 1.5, 1.7, 2.1, 2.3)
    assert pair_flats(exposures(*times)) == [(1, 2), (3, 4), (5, 6)]


def test_flats_of_a_pair_need_not_follow_each_other() -> None:
    assert pair_flats(exposures(5, 10, 5, 10.004, 5)[::-1]) == [(1, 3), (2, 4)]


def test_flats_of_different_filters_are_no_pair() -> None:
    assert pair_flats([Flat(1, 5.0, "r"), Flat(2, 5.0, "g")]) == []
