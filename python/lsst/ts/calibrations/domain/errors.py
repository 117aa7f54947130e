"""What can go wrong in a run: one root, a leaf per stage; each says what happened, was kept and is to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .text import first_lines, one_line, plain, some_of

__all__ = [
    "KEPT_OF_BEFORE",
    "NO_STATUS",
    "PREFLIGHT",
    "AcquisitionError",
    "AcquisitionHalted",
    "ArchiveError",
    "CalibrationError",
    "CertificationError",
    "ConfigurationError",
    "IngestError",
    "NoAnswer",
    "NotArchived",
    "PreflightError",
    "ProcessingError",
    "VerificationIncomplete",
]

PREFLIGHT = "The check before the first exposure"
"""How the reason of a run begins that this check has refused."""

KEPT_OF_BEFORE = "No further exposure was taken; those of before are kept."
"""What it says was kept of a run that has begun an exposure before."""

NO_STATUS = "no imageInOODS came"
"""What stands in place of the status of a detector of which the OODS has published none."""

_UNTOUCHED = "Nothing was exposed and nothing was changed."
MOST_DETECTORS = 9  # most detectors that are named together in a line


class CalibrationError(Exception):
    """Root of all errors that a run expects; anything else is a fault of this program.

    Parameters
    ----------
    happened, kept, advice
        What happened, and what was kept and what to do next, if there is something to say of that.
    lasting
        What a resumed run would find again, as a clause; empty if it may succeed.
    """

    def __init__(self, happened: str, *, kept: str = "", advice: str = "", lasting: str = "") -> None:
        happened, kept, advice = plain(happened), plain(kept), plain(advice)
        gap = "\n" if "\n" in happened else " "
        super().__init__(gap.join(_sentence(part) for part in (happened, kept, advice) if part))
        self.happened = happened
        self.kept = kept
        self.advice = advice
        self.lasting = plain(lasting)

    @property
    def brief(self) -> str:
        """What happened and what to do, for a list of several failures."""
        return " ".join(_sentence(part) for part in (self.happened, self.advice) if part).rstrip(".")


class ConfigurationError(CalibrationError, ValueError):
    """The configuration cannot be used.

    Parameters
    ----------
    problems
        Every problem found, each a sentence that names the option.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(
            _listed("The configuration", problems),
            kept=_UNTOUCHED,
            advice="Correct the configuration and run the script again.",
        )
        self.problems = tuple(problems)


class PreflightError(CalibrationError, RuntimeError):
    """The observatory is not ready for what was asked.

    Parameters
    ----------
    problems, resumed
        Every problem found, and whether the run has exposures of before.
    lasting
        As for `CalibrationError`.
    """

    def __init__(self, problems: Sequence[str], *, resumed: bool = False, lasting: str = "") -> None:
        advice = "Put this right and run the script again."
        if lasting:
            advice = f"Resuming the run cannot change that {lasting}; start a new run."
        elif resumed:  # with the configuration of before
            advice = (
                "Put this right and resume the run again; if the configuration is to be changed, start a new"
                " run."
            )
        super().__init__(
            _listed(PREFLIGHT, problems),
            kept=KEPT_OF_BEFORE if resumed else _UNTOUCHED,
            advice=advice,
            lasting=lasting,
        )
        self.problems = tuple(problems)


class AcquisitionError(CalibrationError, RuntimeError):
    """The camera or the spectrograph did not do what an exposure needs."""


class AcquisitionHalted(CalibrationError, RuntimeError):
    """No further exposure was taken, since what it was for cannot be made any more."""


class IngestError(CalibrationError, TimeoutError):
    """The OODS did not confirm an exposure in time.

    Parameters
    ----------
    obs_id, missing
        Name of the image, and by detector name what the OODS reported of each that is not confirmed.
    timeout
        Seconds waited since endReadout.
    nameless
        What the OODS reported meanwhile of files whose image it did not know: this one may be among them.
    """

    def __init__(
        self, obs_id: str, missing: Mapping[str, str], timeout: float, nameless: Sequence[str] = ()
    ) -> None:
        refused = bool(nameless) or {*missing.values()} != {NO_STATUS}
        details = [
            f"{some_of(names, MOST_DETECTORS)}: {one_line(text)}"
            for text, names in _inverted(missing).items()
        ]
        if nameless:
            details.append(f"of files without a name it published {', '.join(map(one_line, nameless[:3]))}")
        super().__init__(
            f"{obs_id} was not confirmed by the OODS within {timeout:g} s after its endReadout"
            f" ({'; '.join(details)})",
            kept="All exposures that are confirmed are kept.",
            advice="Look at the log of the OODS"
            + ("." if refused else "; the option oods_timeout sets the limit."),
        )
        self.obs_id = obs_id
        self.missing = dict(missing)
        self.refused = refused


class ArchiveError(CalibrationError, LookupError):
    """The Butler repository cannot be opened or does not have what is needed."""


class NoAnswer(ArchiveError):
    """The Butler repository does not answer: what it was asked it may do, or not."""


class NotArchived(ArchiveError):
    """The Butler repository answers, and does not have what is looked for."""


class ProcessingError(CalibrationError, RuntimeError):
    """A job of the OCPS failed.

    Parameters
    ----------
    job, reason
        The job in words, e.g. ``verify BIAS``, and what happened to it.
    job_id, log
        Its id, if the OCPS gave one, and the path of its ``ocps.log``, if there is one.
    late
        Whether it had not ended within its time limit.
    """

    def __init__(
        self, job: str, reason: str, *, job_id: str | None = None, log: str | None = None, late: bool = False
    ) -> None:
        super().__init__(
            f"{job} (job {job_id}) failed: {reason}" if job_id else f"{job} failed: {reason}",
            kept="The images are kept.",
            advice=f"Its log says more: {log}" if log else "",
        )
        self.reason = reason
        self.job_id = job_id
        self.log = log
        self.late = late

    @property
    def brief(self) -> str:
        """The reason, the job and its log."""
        where = [f"job {self.job_id}"] if self.job_id else []
        where += [f"its log: {self.log}"] if self.log else []
        return f"{self.reason} ({', '.join(where)})" if where else self.reason


class VerificationIncomplete(CalibrationError, RuntimeError):
    """A verification has no results for some of what it should have looked at.

    Parameters
    ----------
    calibration, problems
        ``BIAS``, ``DARK``, ``FLAT``..., and what is missing.
    """

    def __init__(self, calibration: str, problems: Sequence[str]) -> None:
        super().__init__(
            _listed(f"The verification of {calibration}", problems, most=5),
            kept="The images are kept; nothing was certified from them.",
            advice="The report of the run lists all that is missing.",
        )
        self.problems = tuple(problems)


class CertificationError(CalibrationError, RuntimeError):
    """Combined calibrations were not certified, or not as intended."""

    @property
    def brief(self) -> str:
        """All of it: where the calibrations are kept is what one looks for next."""
        return str(self).rstrip(".")


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _inverted(texts: Mapping[str, str]) -> dict[str, list[str]]:
    """Names by text: of hundreds of detectors most have the same one."""
    names: dict[str, list[str]] = {}
    for name, text in texts.items():
        names.setdefault(text, []).append(name)
    return names


def _listed(subject: str, problems: Sequence[str], most: int | None = None) -> str:
    """Name the number of problems, then each on its line, at most ``most`` of them."""
    shown = first_lines(problems, most or len(problems))
    count = f"{len(problems)} problem" + ("s" if len(problems) != 1 else "")
    return "\n".join([f"{subject} has {count}:", *(f"  - {_sentence(problem)}" for problem in shown)])
