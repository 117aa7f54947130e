"""Exposures that a pipeline did not use, as the metadata of what it made name them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibrations.butler.members import Members, members_of

FIRST, SECOND, THIRD = 2025011500001, 2025011500002, 2025011500003


def metadata(key: str, **reasons: Any) -> dict[str, Any]:
    return {
        f"{key} EXPOSURES": list(range(FIRST, FIRST + len(reasons))),
        f"{key} REASONS": list(reasons.values()),
    }


def test_a_product_of_cp_pipe_used_all() -> None:
    assert members_of({"RXX_S00": {"CPP_INPUT_0": FIRST}}) == Members()
    assert members_of({"RXX_S00": object()}) == Members()
    assert members_of({}) == Members()


@pytest.mark.parametrize(
    "wrap",
    [
        lambda each: each,
        lambda each: SimpleNamespace(metadata=each),
        lambda each: SimpleNamespace(getMetadata=lambda: each),
    ],
)
def test_what_was_left_out_and_what_is_odd(wrap: Any) -> None:
    product = metadata("LEFT OUT", a="no light", b="light") | {"ODD EXPOSURES": THIRD, "ODD REASONS": "noise"}
    found = members_of({"RXX_S00": wrap(product)})
    assert found == Members({FIRST: "no light", SECOND: "light"}, {THIRD: "noise"})


def test_one_that_some_detectors_used_was_used() -> None:
    found = members_of(  # a database may give detectors in any order
        {"R22_S01": metadata("LEFT OUT", a="z"), "R22_S00": metadata("LEFT OUT", a="x", b="y")}
    )
    assert found.left_out == {FIRST: "R22_S00: x; R22_S01: z"}
    assert found.odd == {SECOND: "R22_S00: left out: y"}


def test_a_reason_that_many_detectors_have_is_told_once_with_the_numbers_of_the_first() -> None:
    reasons = {
        f"R22_S{n}": f"light differs: by +0.{n}, tolerance 0.1" for n in ("00", "01", "02", "10", "11")
    }
    found = members_of(
        {name: metadata("LEFT OUT", a=why) for name, why in (reasons | {"R22_S12": "x"}).items()}
    )
    alike = "R22_S00, R22_S01, R22_S02 and 2 more: light differs: by +0.00, tolerance 0.1"
    assert found.left_out == {FIRST: f"{alike}; R22_S12: x"}


def test_of_many_reasons_some_are_told() -> None:
    words = ("no light", "no noise", "no level", "no time", "no rows")
    found = members_of({f"R22_S0{n}": metadata("ODD", a=why) for n, why in enumerate(words)})
    assert found.odd == {FIRST: "R22_S00: no light; R22_S01: no noise; R22_S02: no level and 2 more"}


def test_exposures_without_a_reason_are_refused() -> None:
    with pytest.raises(ValueError, match="argument"):
        members_of({"RXX_S00": {"LEFT OUT EXPOSURES": [FIRST, SECOND], "LEFT OUT REASONS": ["x"]}})
