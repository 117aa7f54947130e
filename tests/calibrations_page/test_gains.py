"""Gains as the page shows them."""

from __future__ import annotations

import re

from lsst.ts.calibrations_page.gains import gain_parts


def test_amplifiers_without_a_gain_have_the_reason_in_common() -> None:
    pair = {"exposures": [1, 2], "detector": 0, "gain": 1.1, "gain_corrected": 1.05, "noise": 9.0}
    none = {"gain": None, "gain_corrected": None}
    gains = [{**pair, "amplifier": f"C0{n}"} for n in range(3)]
    gains += [{**pair, **none, "amplifier": f"C0{n}", "reason": f"no light, {n} adu"} for n in range(2)]
    shown = "".join(gain_parts(gains, {0: "RXX_S00"}, {}, "", [], {}))
    assert "C00, C01: 1 of 2 pairs gave none: no light." in shown
    assert "no light, 1 adu" in shown


def test_of_pairs_of_several_exposure_times_the_shortest_are_quoted() -> None:
    pairs = [(1, 1.10), (3, 1.12), (5, 1.40)]  # the last is of 25 s
    gains = [
        {
            "exposures": [n, n + 1],
            "detector": 0,
            "amplifier": "C00",
            "gain": gain,
            "gain_corrected": gain - 0.04,
            "noise": 9.0,
        }
        for n, gain in pairs
    ]
    shown = "".join(gain_parts(gains, {0: "RXX_S00"}, {}, "", [], {1: 5.0, 3: 5.0, 5: 25.0}))
    assert "medians over the pairs of 5 s, the shortest" in shown
    row = re.search(r'<th scope="row">C00</th>(.*?)</tr>', shown)
    assert row is not None
    assert re.findall(r"<td>([^<]*)</td>", row[1])[:4] == ["1.0700", "0.01483", "1.1100", "2"]
    lost = [each | {"amplifier": "C01", "gain_corrected": None, "reason": "no light"} for each in gains[:2]]
    found = [*lost, gains[2] | {"amplifier": "C01"}]
    shown = "".join(gain_parts([*gains, *found], {0: "RXX_S00"}, {}, "", [], {1: 5.0, 3: 5.0, 5: 25.0}))
    assert "medians over the pairs of 5 s, the shortest" in shown  # if the last one has none, too
    assert "2 of 3 pairs gave none: no light; from pairs of 25 s" in shown
