"""The report on a verification, as the procedure page shows it: verdict first, then all that failed."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..domain.calibrations import CALIBRATIONS
from ..domain.text import first_lines, plain, some_of
from ..verification import Verdict
from .failures import failure_lines, likely_cause

__all__ = ["LOVE_LIMIT", "NEGATIVE", "VerificationReport", "fit"]

LOVE_LIMIT = 100_000
"""Most bytes of one text for LOVE."""

NEGATIVE = "CALIBRATION VERIFICATION NEGATIVE"
"""Begin of the one line that marks a verdict that is not positive: a Watcher rule can look for it."""

# Most lines, in numbers, on what failed that an operator gets; the report has one for every amplifier.
LINES_SHOWN = 10
MOST_BAD = 4  # most amplifiers known to be bad that are named in a line; the report names all
MOST_PLACES = 3  # most amplifiers that are named in the reason
PROBLEMS_SHOWN = 50  # most problems of an incomplete verification that LOVE gets
MOST_LISTED = 2000
"""Most failed tests, and most problems, that the report names one by one; the collection has them all."""

MOST_GROUPS = 200  # most lines, in numbers, on what failed where more failed than the report names one by one
_THRESHOLDS = """\
    Threshold values:
        Acceptable maximum number of failures per detector per test type:\
 {MAX_FAILURES_PER_DETECTOR_PER_TEST_TYPE_THRESHOLD}
        This value is controlled by the configuration parameter:\
 'number_verification_tests_threshold_<IMGTYPE>' ({here})
        Acceptable maximum number of failed detectors: {MAX_FAILED_DETECTORS_THRESHOLD}
        Acceptable maximum number of failed tests per exposure: {MAX_FAILED_TESTS_PER_EXPOSURE_THRESHOLD}
        Acceptable maximum number of failed exposures: {MAX_FAILED_EXPOSURES_THRESHOLD}
        Final number of exposures that failed verification: {FINAL_NUMBER_OF_FAILED_EXPOSURES}"""

_CRITERION = """\
Verification failure criterion: if, for at least one type of test,
the majority of tests fail in the majority of detectors and
the majority of exposures, verification will fail and the calibration
will not be certified. In terms of the threshold values, this amounts to the condition that
the final number of exposures that failed verification is greater than
or equal to the acceptable maximum number of failed exposures."""


@dataclass(frozen=True)
class VerificationReport:
    """The texts on the verification of one type of calibration."""

    calibration: str
    """Its name, e.g. ``BIAS``."""
    verdict: Verdict
    """The verdict on it."""
    verification_collection: str
    """Collection with the results of the verification."""
    generation_collection: str | None = None
    """Collection with the combined calibrations made from the images; None in external verification."""
    tests: Sequence[Mapping[str, Any]] = ()
    """The tests that were made, as ``summary.json`` has them."""

    @property
    def cause(self) -> str | None:
        """The likely cause of failures, where the run knows one."""
        made = self.verdict.combined
        return None if made is None else likely_cause(self.tests, len(made.verified_with))

    def reasons(self, most: int | None = None) -> list[str]:
        """Say in numbers what failed.

        Parameters
        ----------
        most
            How many lines there may be; None: one for every amplifier and test.

        Returns
        -------
        lines
            Those that do not count as well, and the likely cause last, where the run knows one; nothing if
            all tests that count passed.
        """
        if not any(each["counted"] and not each["passed"] for each in self.tests):
            return []
        lines = failure_lines(self._good_tests, most=most)
        return [*lines, *([f"Likely cause: {self.cause}."] if self.cause else [])]

    @property
    def _good_tests(self) -> list[Mapping[str, Any]]:
        """The tests of all but the amplifiers that are known to be bad."""
        bad = {(each.detector, each.amplifier) for each in self.verdict.known_bad}
        return [each for each in self.tests if (each["detector"], each["amplifier"]) not in bad]

    @property
    def counts(self) -> str:
        """How many tests failed, out of how many, and in how many exposures."""
        verdict = self.verdict
        of_all = f" of {verdict.n_tests}" if verdict.n_tests is not None else ""
        failed = f"{verdict.n_failed}{of_all} tests failed"
        if uncounted := self._n_uncounted:
            failed += f" (and {uncounted} that {'is' if uncounted == 1 else 'are'} not counted)"
        if verdict.known_bad:
            failed += f" (without {some_of(verdict.known_bad, MOST_BAD)}, known to be bad)"
        if verdict.by_itself:
            return failed
        limit = verdict.thresholds["MAX_FAILED_EXPOSURES_THRESHOLD"]
        return (
            f"{failed}; {len(verdict.failed_exposures)} of {len(verdict.exposures)} exposures failed"
            f" ({limit}{' or more' if limit < len(verdict.exposures) else ''} would reject)"
        )

    @property
    def _n_uncounted(self) -> int:
        """How many tests failed that do not count."""
        if self.tests:
            return sum(not each["counted"] and not each["passed"] for each in self._good_tests)
        return sum(map(len, self.verdict.failed_tests.values())) - self.verdict.n_failed

    @property
    def negative_line(self) -> str | None:
        """The line that marks a negative verdict, or None if it is positive."""
        if self.verdict.passed:
            return None
        if not self.verdict.complete:
            n = len(self.verdict.gaps)
            problems = f"{n} problem{'s' if n != 1 else ''}"
            return f"{NEGATIVE}: {self.calibration} is incomplete ({problems}): {self.counts}"
        if self._too_many_bad:
            return plain(f"{NEGATIVE}: {self.calibration} failed: {self._too_many_bad}: {self.counts}")
        failed = (test for tests in self.verdict.failed_tests.values() for test in tests if test.counts)
        often = Counter(each.test for each in failed).most_common()
        types = ", ".join(f"{test} {number}" for test, number in often)
        return plain(f"{NEGATIVE}: {self.calibration} failed: {self.counts}: {types}")

    @property
    def in_brief(self) -> str:
        """The verdict in a few words, with what failed where: for the reason of the state of the script."""
        verdict, made = self.verdict, self.generation_collection is not None
        if verdict.passed:
            words = "passed verification"
        elif verdict.complete:
            words = "rejected" if made else "failed verification"
        else:
            words = "is not completely verified"
        n = f"{verdict.n_failed} of {verdict.n_tests}" if verdict.n_tests is not None else verdict.n_failed
        failed = [test for tests in verdict.failed_tests.values() for test in tests if test.counts]
        places = {each.place for each in failed}
        names = list(dict.fromkeys(each.test for each in failed))
        where = f"{', '.join(sorted(places))} " if 0 < len(places) <= MOST_PLACES else ""
        about = f": {where}{', '.join(names)}" if names else ""
        about += f": {self._too_many_bad}" if self._too_many_bad else ""
        return plain(f"{self.calibration} {words} ({n} tests failed{about})")

    @property
    def on_screen(self) -> str:
        """The verdict and what failed in a few lines, for a terminal."""
        passed, complete = self.verdict.passed, self.verdict.complete
        made = self.generation_collection is not None
        words = "passed verification" if passed else "failed verification" if complete else "is incomplete"
        against = "" if made else " against existing calibrations"
        problems = [*first_lines(self.verdict.problems, LINES_SHOWN), *self.reasons(LINES_SHOWN)]
        lines = [
            f"{self.calibration} {words}{against}: {self.counts}.",
            *(f"    {each}" for each in problems),
        ]
        return plain("\n".join(lines))

    @property
    def _too_many_bad(self) -> str:
        """Where too many amplifiers are known to be bad; empty if nowhere."""
        detectors = Counter(each.detector for each in self.verdict.known_bad)
        found = [f"{detectors[name]} of {name}" for name in self.verdict.too_many_bad]
        most = min(self.verdict.too_many_bad.values(), default=0)
        return (
            f"{some_of(found, MOST_BAD)} amplifiers are known to be bad, at most {most} may be"
            if found
            else ""
        )

    @property
    def headline(self) -> str:
        """The verdict in one sentence."""
        verdict, internal = self.verdict, self.generation_collection is not None
        if not verdict.complete:
            n = len(verdict.gaps)
            missing = f"{n} result{'s are' if n != 1 else ' is'} missing or contradictory"
            return f"{self.calibration} verification is incomplete, so nothing can be certified: {missing}."
        if not verdict.passed:
            consequence = " and will not be certified" if internal else " against existing calibrations"
            why = f" ({self._too_many_bad})" if self._too_many_bad else ""
            return f"{self.calibration} calibration failed verification{consequence}{why}."
        criteria = " and will be certified" if internal else " against existing calibrations"
        passed = f"{self.calibration} calibration passed the overall verification criteria{criteria}"
        return f"{passed}, but there are tests that did not pass:" if verdict.failures else f"{passed}."

    @property
    def _members(self) -> list[str]:
        """Lines on amplifiers known to be bad, and on exposures that were not used, or are odd."""
        bad = [
            f"    Amplifier {each} is known to be bad ({each.source}) and is not counted"
            f"{'; it looks healthy' if each.looks_healthy else ''}."
            for each in self.verdict.known_bad
        ]
        made = self.verdict.combined
        if made is None:
            return bad
        return [
            *bad,
            *(f"    Exposure {exposure} was left out: {why}." for exposure, why in made.left_out.items()),
            *(f"    Exposure {exposure} was used and is odd: {why}." for exposure, why in made.odd.items()),
        ]

    def full_text(self) -> str:
        """Everything: all exposures, and of problems and tests as many as one would read."""
        n_failed = sum(not each["passed"] for each in self.tests)  # also where no failure is named
        reasons = self._what_failed(None if n_failed <= MOST_LISTED else MOST_GROUPS)
        return plain("\n".join(self._lines(len(self.verdict.subjects), MOST_LISTED, reasons)))

    def love_text(self, path: str, limit: int = LOVE_LIMIT) -> str:
        """As much of the full text as LOVE can show.

        Parameters
        ----------
        path, limit
            Where the full text is, and how many bytes LOVE shows.

        Returns
        -------
        text
            One line with the verdict if nothing failed. Otherwise the verdict, the thresholds and the
            collections; between them the failures of as many exposures as fit; at the end where the rest is.
        """
        if self.verdict.passed and not self.verdict.failures and not self._members:
            where = f"Verification collection: {self.verification_collection}. Full report: {path}"
            return f"{self.headline} {self.counts}. {where}"

        reasons = self._what_failed(LINES_SHOWN)  # once: of a large camera this takes seconds

        def text(n_exposures: int) -> str:
            return plain("\n".join(self._lines(n_exposures, PROBLEMS_SHOWN, reasons)))

        last = plain(f"Full report: {path}")
        most, numbers = limit - len(f"\n{last}".encode()), range(1, len(self.verdict.subjects) + 1)
        shown = bisect_right(numbers, most, key=lambda n: len(text(n).encode()))
        return fit(text(shown), last, limit)

    def _what_failed(self, most: int | None) -> list[str]:
        """Head and lines on what failed, in numbers; empty if nothing did."""
        reasons, about = self.reasons(most), f"What failed in {self.calibration}:"
        if not reasons and self._n_uncounted:
            reasons = failure_lines(self._good_tests, most=LINES_SHOWN)
            about = f"Nothing that counts failed in {self.calibration}; these tests are reported only:"
        return [about, *(f"    {reason}" for reason in reasons)] if reasons else []

    def _lines(self, n_exposures: int, n_problems: int, reasons: Sequence[str]) -> Iterator[str]:
        """All lines, with what failed of the first exposures, and the first problems only."""
        verdict = self.verdict
        yield from reasons
        yield self.headline
        yield f"{self.counts}."
        yield from self._members
        yield from (f"    {problem}" for problem in first_lines(verdict.problems, n_problems))
        if verdict.failures:
            yield "Exposures with verification tests that failed:"
            yield "    " + "  ".join(map(str, verdict.failures))
            yield from _failure_lines(verdict, n_exposures)
            yield _THRESHOLDS.format(**verdict.thresholds, here=self._option)
            yield _CRITERION
            if not verdict.complete or verdict.too_many_bad:
                yield "Be it met or not, the verdict is negative for what is said above."
        if self.generation_collection is not None:
            yield f"Generation collection: {self.generation_collection}"
        yield f"Verification collection: {self.verification_collection}"

    @property
    def _option(self) -> str:
        """Which option the first threshold has."""
        calibration = CALIBRATIONS.get(self.calibration)
        if self.verdict.by_itself or calibration is None:
            return f"not for {self.calibration}, which has no images: it is fixed"
        return f"here number_verification_tests_threshold_{calibration.verified_with.lower()}"


def _label(subject: int | str) -> str:
    return subject if isinstance(subject, str) else f"Exposure ID: {subject}"


def _failure_lines(verdict: Verdict, n_exposures: int) -> Iterator[str]:
    """The failures of the first exposures, or of the calibration itself where that was verified."""
    failures, subjects = verdict.failures, verdict.subjects
    shown = subjects[:n_exposures]
    yield "    Number of tests that failed per test type:"
    for subject in shown:
        if subject in failures:
            yield f"        {_label(subject)}"
            # In the order of their first appearance below, as the page has them.
            yield from (f"            {test}: {number}" for test, number in failures[subject].items())
    yield "    Test types that failed verification per exposure,"
    yield "    detector, and amplifier:"
    left, incomplete = MOST_LISTED, {each.subject for each in verdict.gaps}
    for subject in shown:
        yield f"        {_label(subject)}"
        failed = verdict.failed_tests.get(subject, ())
        listed = failed[:left]
        left -= len(listed)
        yield from (f"            {test}{'' if test.counts else ' (not counted)'}" for test in listed)
        if not failed:
            none = "No failures in 'verify_stats' for this exposure"
            yield f"            {'Not all of its results are there' if subject in incomplete else none}."
        if len(listed) < len(failed):
            yield f"            ... and {len(failed) - len(listed)} more in the verification collection"
    if len(shown) < len(subjects):
        yield f"        ... and {len(subjects) - len(shown)} more in the full report"


def fit(text: str, last: str, limit: int = LOVE_LIMIT) -> str:
    """Put a last line below a text, which is cut at the end of a line if both are too long.

    Parameters
    ----------
    text, last, limit
        The text, the line to put below it, and the most bytes.

    Returns
    -------
    text
        At most ``limit`` bytes.
    """
    whole = f"{text}\n{last}"
    if len(whole.encode()) <= limit:
        return whole
    kept, size = [], len(last.encode()) + 4
    for line in text.splitlines():
        size += len(line.encode()) + 1
        if size > limit:
            break
        kept.append(line)
    return "\n".join([*kept, "...", last])
