"""The report on a verification, as the procedure page shows it: verdict first, then all that failed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from ..domain.text import plain
from ..verification import UNCOUNTED_TESTS, Verdict

__all__ = ["LOVE_LIMIT", "NEGATIVE", "VerificationReport", "fit"]

LOVE_LIMIT = 100_000
"""Most bytes of one text for LOVE."""

NEGATIVE = "CALIBRATION VERIFICATION NEGATIVE"
"""Begin of the one line that marks a verdict that is not positive: a Watcher rule can look for it."""

PROBLEMS_SHOWN = 50
"""Most problems of an incomplete verification that LOVE gets."""

_CRITERION = """\
Verification failure criterion: if, for at least one type of test,
the majority of tests fail in the majority of detectors and
the majority of exposures, verification will fail and the calibration
will not be certified. In terms of the threshold values, this amounts to the condition that
the final number of exposures that failed verification is greater than
or equal to the acceptable maximum number of failed exposures."""


@dataclass(frozen=True)
class VerificationReport:
    """What is told about the verification of one type of calibration.

    Parameters
    ----------
    calibration
        ``BIAS``, ``DARK``, ``FLAT``...
    verdict
        The verdict on it.
    verification_collection
        Collection with the results of the verification.
    generation_collection
        Collection with the combined calibrations made from the images; None in external verification.
    """

    calibration: str
    verdict: Verdict
    verification_collection: str
    generation_collection: str | None = None

    @property
    def counts(self) -> str:
        """How many tests failed, out of how many, and in how many exposures."""
        verdict = self.verdict
        of_all = f" of {verdict.n_tests}" if verdict.n_tests is not None else ""
        if verdict.by_itself:
            return f"{verdict.n_failed}{of_all} tests failed"
        return (
            f"{verdict.n_failed}{of_all} tests failed; {len(verdict.failed_exposures)} of"
            f" {len(verdict.exposures)} exposures failed (rejected from"
            f" {verdict.thresholds['MAX_FAILED_EXPOSURES_THRESHOLD']})"
        )

    @property
    def _test_types(self) -> str:
        """Which tests failed how often, most often first."""
        names = (name for names in self.verdict.names.values() for name in names if not _remark(name))
        return ", ".join(
            f"{test} {n}" for test, n in Counter(name.split()[-1] for name in names).most_common()
        )

    @property
    def negative_line(self) -> str | None:
        """The line that marks a negative verdict, or None if it is positive."""
        if self.verdict.passed:
            return None
        if self.verdict.complete:
            return plain(f"{NEGATIVE}: {self.calibration} failed: {self.counts}: {self._test_types}")
        problems = f"{len(self.verdict.problems)} problems"
        return f"{NEGATIVE}: {self.calibration} is incomplete ({problems}): {self.counts}"

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        verdict, internal = self.verdict, self.generation_collection is not None
        if not verdict.complete:
            missing = f"{len(verdict.problems)} results are missing or contradictory"
            return f"{self.calibration} verification is incomplete, so nothing can be certified: {missing}."
        if not verdict.passed:
            consequence = " and will not be certified" if internal else " against existing calibrations"
            return f"{self.calibration} calibration failed verification{consequence}."
        criteria = " and will be certified" if internal else " against existing calibrations"
        passed = f"{self.calibration} calibration passed the overall verification criteria{criteria}"
        return f"{passed}, but there are tests that did not pass:" if verdict.failures else f"{passed}."

    def full_text(self) -> str:
        """Everything: all problems, exposures and tests."""
        return plain("\n".join(self._lines(len(self.verdict.exposures), len(self.verdict.problems))))

    def short_text(self, path: str) -> str:
        """The verdict alone, for a verification in which nothing failed.

        Parameters
        ----------
        path
            Where the full text is.
        """
        where = f"Verification collection: {self.verification_collection}. Full report: {path}"
        return f"{self.headline} {self.counts}. {where}"

    def love_text(self, path: str, limit: int = LOVE_LIMIT) -> str:
        """As much of the full text as LOVE can show.

        Parameters
        ----------
        path
            Where the full text is.
        limit
            Most bytes.

        Returns
        -------
        text
            The verdict, the thresholds and the collections; between them the failures of as many exposures as
            fit; at the end where the rest is.
        """
        n_problems = min(len(self.verdict.problems), PROBLEMS_SHOWN)
        last = f"Full report: {path}"

        def text(n_exposures: int) -> str:
            return plain("\n".join([*self._lines(n_exposures, n_problems), last]))

        shown = _most_that_fit(len(self.verdict.exposures), lambda n: len(text(n).encode()) <= limit)
        return fit(text(shown), last, limit)

    def _lines(self, n_exposures: int, n_problems: int) -> Iterator[str]:
        """All lines, with the failures of the first exposures and the first problems only."""
        verdict = self.verdict
        yield self.headline
        yield f"{self.counts}."
        yield from (f"    {problem}" for problem in verdict.problems[:n_problems])
        if n_problems < len(verdict.problems):
            yield f"    ... and {len(verdict.problems) - n_problems} more"
        if verdict.failures:
            yield "Exposures with verification tests that failed:"
            yield "    " + "  ".join(map(str, verdict.failures))
            yield from _failure_lines(verdict, _judged(verdict)[:n_exposures])
        yield from _threshold_lines(self.calibration, verdict)
        yield _CRITERION
        if self.generation_collection is not None:
            yield f"Generation collection: {self.generation_collection}"
        yield f"Verification collection: {self.verification_collection}"


def _remark(name: str) -> str:
    """What is to be said of a failed test that does not count."""
    words = name.split()
    return " (not counted)" if len(words) == 1 or words[-1] in UNCOUNTED_TESTS else ""


def _judged(verdict: Verdict) -> tuple[int | str, ...]:
    """The exposures, or the calibration itself where it was judged without exposures."""
    own_name = tuple(each for each in verdict.failures if isinstance(each, str))
    return own_name or verdict.exposures


def _label(judged: int | str) -> str:
    return judged if isinstance(judged, str) else f"Exposure ID: {judged}"


def _failure_lines(verdict: Verdict, exposures: Sequence[int | str]) -> Iterator[str]:
    yield "    Number of tests that failed per test type:"
    for exposure in exposures:
        if exposure in verdict.failures:
            yield f"        {_label(exposure)}"
            # In the order of their first appearance below, as the page has them.
            types = Counter(name.split()[-1] for name in verdict.names[exposure])
            yield from (f"            {test}: {number}" for test, number in types.items())
    yield "    Test types that failed verification per exposure,"
    yield "    detector, and amplifier:"
    for exposure in exposures:
        yield f"        {_label(exposure)}"
        names = verdict.names.get(exposure, ())
        yield from (f"            {name}{_remark(name)}" for name in names)
        if not names:
            yield "            No failures in 'verify_stats' for this exposure."
    if len(exposures) < len(verdict.exposures):
        yield f"        ... and {len(verdict.exposures) - len(exposures)} more in the full report"


def _threshold_lines(calibration: str, verdict: Verdict) -> Iterator[str]:
    values = verdict.thresholds
    option = "number_verification_tests_threshold"
    yield "    Threshold values:"
    for words, name in (
        (
            "Acceptable maximum number of failures per detector per test type",
            "MAX_FAILURES_PER_DETECTOR_PER_TEST_TYPE",
        ),
        ("Acceptable maximum number of failed detectors", "MAX_FAILED_DETECTORS"),
        ("Acceptable maximum number of failed tests per exposure", "MAX_FAILED_TESTS_PER_EXPOSURE"),
        ("Acceptable maximum number of failed exposures", "MAX_FAILED_EXPOSURES"),
    ):
        yield f"        {words}: {values[f'{name}_THRESHOLD']}"
        if name.startswith("MAX_FAILURES"):
            yield (
                f"        This value is controlled by the configuration parameter: '{option}_<IMGTYPE>'"
                f" (here {option}_{calibration.lower()})"
            )
    yield (
        "        Final number of exposures that failed verification:"
        f" {values['FINAL_NUMBER_OF_FAILED_EXPOSURES']}"
    )


def _most_that_fit(most: int, fits: Callable[[int], bool]) -> int:
    """Largest number up to ``most`` that fits, or 0; what fits is never longer than what does not."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def fit(text: str, last: str, limit: int = LOVE_LIMIT) -> str:
    """Cut a text at the end of a line so that it has at most ``limit`` bytes, keeping its last line."""
    if len(text.encode()) <= limit:
        return text
    kept, size = [], len(last.encode()) + 4
    for line in text.splitlines():
        size += len(line.encode()) + 1
        if size > limit:
            break
        kept.append(line)
    return "\n".join([*kept, "...", last])
