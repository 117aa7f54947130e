"""The table of the gains from pairs of flats."""

from __future__ import annotations

from typing import Any

from lsst.ts.calibrations.report.gains import gain_line, gain_table
from lsst.ts.calibrations.report.verification import fit


def gain(pair: int, amplifier: str, value: float | None, noise: float | None = 5.6) -> dict[str, Any]:
    corrected = None if value is None else value * 0.96
    return {
        "exposures": [pair, pair + 1], "detector": 0, "amplifier": amplifier,
        "gain": value, "gain_corrected": corrected, "noise": noise,
        "reason": "not measured" if value is None else None,
    }  # fmt: skip


GAINS = [gain(11, "C00", 1.0), gain(11, "C01", None), gain(13, "C00", 1.2), gain(13, "C01", 1.3)]


def test_of_single_pairs_the_report_has_what_is_not_known_and_why() -> None:
    """Sixteen lines for each of ten good pairs are for a table, not for a reader."""
    assert gain_table(GAINS).splitlines()[4:] == [
        "The gains of single pairs, 4, are in summary.json and gains.ecsv.",
        "Not known from the flats 11 and 12:",
        "           0        C01    none       none    5.60  not measured",
    ]
    night = [gain(pair, f"C{number:02}", 1.0) for pair in range(1, 20, 2) for number in range(16)]
    assert len(gain_table(night).splitlines()) == 2 + 16 + 1


def test_the_means_of_the_amplifiers_come_first_and_leave_out_what_is_not_known() -> None:
    shown = [line.split() for line in gain_table(GAINS).splitlines()]
    assert shown[2:4] == [
        ["0", "C00", "1.1000", "1.0560", "5.60", "2", "of", "2"],
        ["0", "C01", "1.3000", "1.2480", "5.60", "1", "of", "2"],
    ]


def test_of_several_exposure_times_the_mean_is_that_of_the_shortest() -> None:
    gains = [gain(11, "C00", 1.2), gain(13, "C00", 1.0), gain(15, "C00", 1.02)]
    title, head, *rows = gain_table(gains, {11: 35.0, 13: 5.0, 15: 5.0}).splitlines()
    assert title.endswith(", from the shortest pairs, of 5 s; 'corrected' is to be quoted:")
    assert head.endswith("  scatter")
    assert rows[0].split() == ["0", "C00", "1.0100", "0.9696", "5.60", "2", "of", "2", "0.0136"]
    assert sum("C00" in row for row in rows) == 1
    assert gain_table(gains, dict.fromkeys((11, 13, 15), 5.0)) == gain_table(gains)


def test_an_amplifier_that_failed_in_the_shortest_pair_has_the_gain_of_the_next() -> None:
    gains = [gain(11, "C00", None), gain(11, "C01", 1.1), gain(13, "C00", 1.2), gain(13, "C01", 1.3)]
    title, _, *rows = gain_table(gains, {11: 0.1, 13: 5.0}).splitlines()
    assert title.endswith(", from the shortest pairs, of 0.1 s; 'corrected' is to be quoted:")
    end = "1 of 1     none"
    assert rows[0].split()[1:4] == ["C00", "1.2000", "1.1520"]
    assert rows[0].endswith(f"{end}  from pairs of 5 s")
    assert rows[1].split()[1:4] == ["C01", "1.1000", "1.0560"]
    assert rows[1].endswith(end)
    none = [each | {"gain": None, "gain_corrected": None} for each in gains[::2]]
    assert ", of 0.1 s;" in gain_table([*none, *gains[1::2]], {11: 0.1, 13: 5.0})


def test_a_pair_without_corrected_gain_is_in_no_mean() -> None:
    bright = gain(15, "C00", 1.596) | {"gain_corrected": None, "reason": "brighter than the turnoff"}
    shown = [line.split() for line in gain_table([*GAINS, bright]).splitlines()]
    assert shown[2] == ["0", "C00", "1.1000", "1.0560", "5.60", "2", "of", "3"]
    assert shown[-1] == ["0", "C00", "1.5960", "none", "5.60", "brighter", "than", "the", "turnoff"]


def test_an_amplifier_without_any_gain_is_there() -> None:
    assert "none" in gain_table([gain(11, "C00", None, noise=None)]).splitlines()[2]


def test_the_line_of_the_log_counts_the_amplifiers_that_have_a_gain() -> None:
    assert gain_line(GAINS).startswith("Gains of 2 amplifiers from 2 pairs of flats: 0.960 to 1.248")
    assert gain_line(GAINS[:2]).startswith("Gains of 1 of 2 amplifiers from 1 pair of flats: 0.960 to 0.960")
    assert gain_line(GAINS[1:2]).startswith("Gains of 1 amplifiers from 1 pair of flats: none could")


def test_of_many_detectors_the_first_gains_that_are_not_known_are_listed() -> None:
    gains = [gain(1, f"C{number:04}", None) for number in range(2003)]
    shown = gain_table(gains).splitlines()
    assert shown[-1] == "... and 3 more"
    assert len(shown) == 2 + 2003 + 2 + 2000 + 1


def test_love_gets_a_bounded_table() -> None:
    table, last = gain_table(GAINS * 100), "All gains: /run/gains.txt"
    text = fit(table, last, limit=2000)
    assert len(text.encode()) <= 2000
    first, cut, end = text.rpartition("\n...\n")
    assert (table.startswith(f"{first}\n"), bool(cut), end) == (True, True, last)
    assert fit(gain_table(GAINS), last) == f"{gain_table(GAINS)}\n{last}"
