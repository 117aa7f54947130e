"""Names of failed tests, as cp_verify gives them."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

__all__ = ["UNCOUNTED_TESTS", "FailedTest", "parse"]

UNCOUNTED_TESTS = frozenset({"READ_NOISE_CONSISTENT", "PROB_TEST"})
"""Tests that are reported and never counted: the first does not enter the SUCCESS of cp_verify either, the
second demands the equality of two counts of defects that are never equal."""


@dataclass(frozen=True, order=True)
class FailedTest:
    """A test that failed.

    Parameters
    ----------
    detector, amplifier
        Where; empty for a test of a whole detector or of a whole exposure.
    test
        Type of the test, e.g. ``NOISE``.
    """

    detector: str
    amplifier: str
    test: str

    def __str__(self) -> str:
        return " ".join(word for word in (self.detector, self.amplifier, self.test) if word)

    @property
    def counts(self) -> bool:
        """Whether acceptance counts it: tests of an exposure, and some others, are reported only."""
        return bool(self.detector) and self.test not in UNCOUNTED_TESTS


def parse(name: object, amplifiers: Mapping[str, Set[str]]) -> tuple[FailedTest | None, str]:
    """Read the name of a failed test.

    Parameters
    ----------
    name
        ``detector amplifier TEST``, ``detector TEST`` or ``TEST``.
    amplifiers
        Names of the amplifiers of every known detector.

    Returns
    -------
    test, problem
        The test, or None if the name cannot be read; and what is wrong with the name, or nothing.
    """
    words = name.split() if isinstance(name, str) else []
    if not 1 <= len(words) <= 3:
        return None, f"a failure that cannot be judged: {name!r}"
    failed = FailedTest(
        detector=words[0] if len(words) > 1 else "",
        amplifier=words[1] if len(words) == 3 else "",
        test=words[-1],
    )
    if failed.detector and failed.detector not in amplifiers:
        return failed, f"{name!r} is about a detector that is not expected"
    if failed.amplifier and failed.amplifier not in amplifiers[failed.detector]:
        return failed, f"{name!r} is about an amplifier that the detector does not have"
    return failed, ""
