"""Judges a scenario by all invariants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from . import (
    end_invariants,
    gain_invariants,
    images_invariants,
    job_invariants,
    product_invariants,
    summary_invariants,
    time_invariants,
)
from .evidence import Evidence

__all__ = ["INVARIANTS", "judge"]

Invariant = Callable[[Evidence], Iterator[str]]

INVARIANTS: Mapping[str, Invariant] = {
    function.__name__.replace("_", "-"): function
    for function in (
        images_invariants.exposures_are_filed,
        images_invariants.ingests_are_true,
        images_invariants.facts_are_flushed,
        images_invariants.data_taking_halts,
        images_invariants.few_are_taken_again,
        job_invariants.jobs_read_their_own,
        job_invariants.data_taking_goes_on,
        product_invariants.verdicts_are_true,
        product_invariants.certificates_are_earned,
        product_invariants.sets_are_whole,
        product_invariants.nothing_is_done_twice,
        gain_invariants.gains_are_true,
        end_invariants.ends_agree,
        end_invariants.done_means_done,
        end_invariants.missing_steps_are_named,
        end_invariants.reason_names_the_cause,
        end_invariants.negative_verdicts_come_first,
        end_invariants.refusals_are_right,
        end_invariants.nothing_breaks,
        summary_invariants.summary_is_true,
        time_invariants.nothing_goes_on,
        time_invariants.time_is_bounded,
    )
}
"""All invariants by name."""


def judge(evidence: Evidence) -> list[tuple[str, str]]:
    """Invariants that are violated, and how."""
    return [(name, words) for name, invariant in INVARIANTS.items() for words in invariant(evidence)]
