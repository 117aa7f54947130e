"""Gains of pairs of flats: of the pair that was asked for, or none."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibrations.butler.pairgains import pair_gains
from lsst.ts.calibrations.domain.errors import ArchiveError
from lsst.ts.calibrations.domain.exposure_times import flat_pairs

TIMES = [5, 5.003, 5, 5.003]
"""Exposure times [s] that are equal in pairs, and all equal within the 5 ms of cp_pipe."""


def curve(first: int, second: int, gain: float = 1.1, *, by_amplifier: bool = False) -> Any:
    """What was measured on a pair; cp_pipe has the ids by amplifier."""
    pairs: Any = {"C00": [(first, second)], "C01": [(first, second)]} if by_amplifier else [(first, second)]
    return SimpleNamespace(
        inputExpIdPairs=pairs,
        gain={"C00": gain, "C01": gain},
        noise={"C00": 8.5, "C01": 8.5},
        rawMeans={"C00": [15_000.0], "C01": [15_000.0]},
    )


def test_a_pair_that_the_job_has_paired_differently_has_no_gain_and_both_pairs_are_named() -> None:
    by_equality, within_5_ms = [(0, 2), (1, 3)], list(flat_pairs(TIMES).pairs)
    assert within_5_ms == [(0, 1), (2, 3)]
    for asked, measured in ((by_equality, within_5_ms), (within_5_ms, by_equality)):
        results = {(each, 0): curve(*pair) for pair in measured for each in pair}
        first, second = asked[0]
        with pytest.raises(ArchiveError) as caught:
            pair_gains(results.get, asked, [0], "u/ocps/g")
        assert f"no gain in u/ocps/g for the flats {first} and {second}, detector 0" in str(caught.value)
        one, other = (f"{first} and {second}" for first, second in measured)
        assert f"the job has paired {one}, and {other}" in str(caught.value)


@pytest.mark.parametrize("by_amplifier", [False, True])
def test_the_result_of_the_pair_is_found_under_either_flat(by_amplifier: bool) -> None:
    filler = SimpleNamespace(inputExpIdPairs={"C00": [(math.nan, math.nan)]}, ptcFitType="DUMMY")
    own = curve(11, 12, 1.3, by_amplifier=by_amplifier)
    for results in (
        {(11, 0): own},
        {(12, 0): own},
        {(11, 0): own, (12, 0): filler},
        {(11, 0): curve(10, 11), (12, 0): own},
    ):
        assert [each.gain for each in pair_gains(results.get, [(11, 12)], [0], "u/ocps/g")] == [1.3, 1.3]


@pytest.mark.parametrize(
    "pairs", [(), None, 7, {"C00": []}, [(-1, -1)], [(1, 2), (3, 4)], ["x"], [(1, 2, 3)]]
)
def test_a_result_that_does_not_name_its_pair_is_none(pairs: Any) -> None:
    measured = curve(11, 12)
    measured.inputExpIdPairs = pairs
    with pytest.raises(ArchiveError, match="no gain in u/ocps/g for the flats 11 and 12, detector 0"):
        pair_gains({(11, 0): measured}.get, [(11, 12)], [0], "u/ocps/g")


def test_gains_come_by_pair_detector_and_amplifier() -> None:
    results = {
        (first, detector): curve(first, first + 1, gain=first + detector / 10)
        for first in (1, 3)
        for detector in (0, 1)
    }
    gains = pair_gains(results.get, [(1, 2), (3, 4)], [0, 1], "u/ocps/g")
    assert [(each.exposures, each.detector, each.amplifier) for each in gains] == [
        (pair, detector, amplifier)
        for pair in ((1, 2), (3, 4))
        for detector in (0, 1)
        for amplifier in ("C00", "C01")
    ]
    assert [each.gain for each in gains[::2]] == [1.0, 1.1, 3.0, 3.1]
