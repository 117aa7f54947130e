"""Examples of the procedure page whose point is which flats belong together, run without pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

DATA = Path(__file__).parents[2] / "data" / "examples.yaml"
EXAMPLES = {each["name"]: each for each in yaml.safe_load(DATA.read_text(encoding="utf-8"))}
FEW = "n_bias: 1\nn_dark: 1\nexp_times_dark: 5\n"


def flats(name: str) -> str:
    """What an example says of its flats, with few other images, and no verdict on them."""
    options = yaml.safe_load(EXAMPLES[name].get("right", EXAMPLES[name]["printed"]))
    return FEW + yaml.safe_dump({key: value for key, value in options.items() if key.endswith("_flat")})


def test_one_pair_gives_a_gain_of_each_amplifier(night: Any, pipelines: Any) -> None:
    outcome = night(flats("one pair of flats"))
    assert outcome.state == "DONE"
    taken = [each for each in outcome.summary["exposures"] if each["image_type"] == "FLAT"]
    assert [(each["exp_time"], each["discarded"]) for each in taken] == [
        (1.2, True),
        (1.2, False),
        (1.2, False),
    ]
    assert [gain["exposures"] for gain in outcome.summary["gains"]] == [
        [each["id"] for each in taken[1:]]
    ] * 16
    (job,) = (each for each in pipelines.jobs if each.kind == "gain")
    assert len(job.selected("exposure")) == 2


def test_every_pair_gives_gains_and_flats_without_a_partner_are_named(night: Any, pipelines: Any) -> None:
    outcome = night(flats("three pairs of flats"))
    assert outcome.state == "DONE"
    times = {each["id"]: each["exp_time"] for each in outcome.summary["exposures"]}
    found = {tuple(gain["exposures"]) for gain in outcome.summary["gains"]}
    assert sorted([times[each] for each in pair] for pair in found) == [[0.1] * 2, [0.35] * 2, [0.6] * 2]
    assert len(outcome.summary["gains"]) == 3 * 16
    (job,) = (each for each in pipelines.jobs if each.kind == "gain")
    assert len(job.selected("exposure")) == 6
    alone = "flats without a partner of the same exposure time give no gain: 1 s, 1.5 s, 1.7 s, 2.1 s, 2.3 s"
    assert alone in outcome.warnings()
    assert alone in outcome.reason


def test_without_a_pair_no_gain_is_measured_and_flats_that_saturate_are_named(
    night: Any, pipelines: Any
) -> None:
    outcome = night(flats("other numbers and exposure times"))
    assert outcome.state == "DONE"
    assert "No two flats have the same exposure time: no gain is measured." in outcome.warnings()
    assert [each.kind for each in pipelines.jobs] == ["verify", "verify", "verify"]
    assert (outcome.summary["gains"], outcome.summary["not_done"]) == ([], [])
    saturate = "flats of 40, 45, 50 s saturate"
    first = next(n for n, (_, message) in enumerate(outcome.log) if message.startswith("Taking "))
    assert any(message.startswith(saturate) for _, message in outcome.log[:first])
    assert saturate in outcome.summary["reason"]


def test_a_run_that_fails_says_too_what_its_images_are_not_good_for(night: Any) -> None:
    outcome = night(flats("one pair of flats"), "ocps-exit:kind=verify,calibration=FLAT,code=1")
    assert outcome.state == "FAILED"
    assert ". Flats of 1.2 s are too faint to pass the test NOISE" in outcome.reason
