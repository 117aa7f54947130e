"""Configurations of real observing blocks: accepted, or refused with words that lead to one that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from lsst.ts.calibrations.config.config import Findings, examine
from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS

BLOCKS = yaml.safe_load((Path(__file__).parents[2] / "data" / "blocks.yaml").read_text(encoding="utf-8"))
NAMES = [f"{number}-{block['instrument']}" for number, block in enumerate(BLOCKS)]


def examined(block: dict[str, Any], options: dict[str, Any]) -> Findings:
    instrument = block["instrument"]
    return examine(yaml.safe_dump(options), load_schema(instrument), INSTRUMENTS[instrument], 20250115)


def told(options: dict[str, Any], option: str, value: Any) -> str:
    """What the answer says of an option that should be changed."""
    if str(options[option]).startswith("$"):
        return f"{option}: '{options[option]}' stands for a text"
    if option == "script_mode":
        return f"None are taken with {option}: "
    return f"{option}: {options[option]} is not allowed" if value is None else f"{option}: {value}"


@pytest.mark.parametrize("block", BLOCKS, ids=NAMES)
def test_a_block_is_accepted_or_told_what_to_change(block: dict[str, Any]) -> None:
    options, change = block["options"], block.get("change", {})
    answer = "\n".join(examined(block, options).errors)
    assert bool(answer) == bool(change), answer
    for option, value in change.items():
        assert told(options, option, value) in answer
    right = {name: value for name, value in {**options, **change}.items() if value is not None}
    assert examined(block, right).errors == ()


@pytest.mark.parametrize(
    "block", [each for each in BLOCKS if each["options"].get("generate_calibrations")], ids=str
)
def test_a_block_that_would_certify_once_is_told_how_to_do_so_every_day(block: dict[str, Any]) -> None:
    options = {**block["options"], **block.get("change", {})}
    options = {name: value for name, value in options.items() if value is not None}
    (line,) = [each for each in examined(block, options).warnings if "no later run" in each]
    daily = yaml.safe_load(line.rpartition("for every day write ")[2].replace(", ", "\n").replace("'", ""))
    found = examined(block, {**options, **daily})
    assert found.errors == ()
    assert not any("no later run" in each for each in found.warnings)
    assert found.daily
