"""All kinds of faults, one row each; the component in which one strikes asks for it by its name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS

from ..pipelines.calibration_types import CALIBRATION_TYPES, GAIN

__all__ = ["DETECTOR_KINDS", "KINDS", "VERIFY", "FaultKind", "Option", "Value"]

VERIFY = "verify-"
"""How the names of the faults of verification results begin."""

MOST_COUNTED = 2**31 - 1
"""Largest number, as SAL has it for an exit code."""

MOST_SECONDS = 1e6
"""Longest time of a fault: more than the longest run."""

Value = str | int | float


@dataclass(frozen=True)
class Option:
    """An option of a fault.

    Parameters
    ----------
    meaning
        What it is, for the help text.
    read
        Makes a value from its text; raises ValueError with what is expected.
    default
        Value if it is not given.
    required
        Whether it must be given.
    condition
        Whether it says when the fault strikes (then None means always), rather than what it does.
    choices
        The only values allowed, if there are any.
    """

    meaning: str
    read: Callable[[str], Value] = str
    default: Value | None = None
    required: bool = False
    condition: bool = False
    choices: tuple[Value, ...] = ()


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault.

    Parameters
    ----------
    name
        As the command line has it.
    meaning
        What happens, for the help text.
    options
        Its options by name.
    cause
        Regular expression by which the reason of a run names this fault; empty for one that must not make any
        difference to the outcome.
    drawn
        Values from which a campaign draws, by option.
    rare
        Whether it has an opportunity in few runs, so that a campaign draws it more often.
    lasting
        Whether it leaves something in the repository that a run meets again when it is resumed.
    lasting_after_kill
        Whether it ends with the simulated components, unless these are killed.
    """

    name: str
    meaning: str
    options: Mapping[str, Option] = field(default_factory=dict)
    cause: str = ""
    drawn: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    rare: bool = False
    lasting: bool = False
    lasting_after_kill: bool = False


def _number(expected: str, allowed: Callable[[float], bool]) -> Callable[[str], float]:
    """Make a function that reads a number, and says what is expected where it is none that is allowed."""

    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not allowed(number):
            raise ValueError(expected)
        return number

    return read


def _whole_number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError("it counts from 1")
    if number > MOST_COUNTED:
        raise ValueError(f"it counts up to {MOST_COUNTED}")
    return number


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("a whole number, 0 or greater")
    return int(text)


def _amplifier(text: str) -> str:
    if len(text) == 3 and text[0] == "C" and text[1] in "01" and text[2] in "01234567":
        return text
    raise ValueError("an amplifier name, C00 to C07 or C10 to C17")


_seconds = _number(
    f"a number of seconds greater than 0 and up to {MOST_SECONDS:g}",
    lambda number: 0 < number <= MOST_SECONDS,
)
_step = _number(
    f"a number of seconds between -{MOST_SECONDS:g} and {MOST_SECONDS:g}",
    lambda number: abs(number) <= MOST_SECONDS,
)
_factor = _number("a factor from 1 to 1e6", lambda number: 1.0 <= number <= 1e6)
_positive = _number("a number greater than 0", lambda number: 0 < number < math.inf)

_COMPONENT = Option("SAL name, e.g. ATCamera or OCPS:1", required=True, condition=True)
_STATE = Option("its state", str.upper, required=True, choices=("STANDBY", "DISABLED", "FAULT"))
_IMAGE = Option(
    "number of the image in the run, from 1; every image if left out", _whole_number, condition=True
)
_DETECTOR = Option("detector name, e.g. RXX_S00; all if left out", condition=True)
_JOB_KIND = Option("of which jobs; all if left out", condition=True, choices=("generate", "verify", "gain"))
_CALIBRATION = Option(
    "of which jobs; all if left out",
    str.upper,
    condition=True,
    choices=(*CALIBRATION_TYPES, GAIN),
)
_SECONDS = Option("simulated seconds", _seconds, default=30.0)
_BY = Option("by how much, s; less than 0 for backwards", _step, default=-37.0)
_TIMES = Option("how often it strikes; always if left out", _whole_number)
_TIMES_ONE = Option("how often it strikes", _whole_number, default=1)
_STATUS_CODE = Option("statusCode", _whole_number, default=1)
_EXIT_CODE = Option("exit code", _whole_number, default=1)
_MUCH = Option("how much", _factor, default=10.0)
_PHASES = ("completed", "error", "executing", "aborted")
_PHASE = Option("which", default="completed", choices=_PHASES)
_INSTRUMENT = Option("which", required=True, choices=tuple(INSTRUMENTS))
_WHERE = Option(
    "of the acknowledgement or of job_result; of both if left out", condition=True, choices=("ack", "result")
)
_COLLECTION = Option("where; by default the calib_collection of the default configuration", default="")
_AMPLIFIER = Option("name of the amplifier, e.g. C05", _amplifier, required=True)
_NOISE_FACTOR = Option("factor of the noise", _positive, default=1.2)
_LEAK_RATE = Option("electron/s in every pixel", _positive, default=5.0)
_COLUMN = Option("column of the assembled, trimmed image, from 0", _index, required=True)
_COLUMN_RATE = Option("electron/s in every pixel of it", _positive, default=50.0)

_OF_IMAGE = {"image": _IMAGE, "times": _TIMES}
_OF_FILE = {"image": _IMAGE, "detector": _DETECTOR, "times": _TIMES}
_OF_MACHINE = {"image": _IMAGE, "times": _TIMES_ONE}
_OF_JOB = {"kind": _JOB_KIND, "calibration": _CALIBRATION, "times": _TIMES}
_OF_RESULT = {"calibration": _CALIBRATION, "times": _TIMES}
_OF_BUTLER = {**_OF_JOB, "times": _TIMES_ONE}
_OF_DETECTOR = {"detector": Option("Butler id of the only detector that has it", _index)}

_INCOMPLETE = "The verification of [A-Z]+ has|VERIFICATION NEGATIVE"
_NO_END = "did not take|not confirmed"
_NO_EVENT = "not confirmed by the OODS .*no imageInOODS"
_BEFORE = "exit code 1|statusCode 1"
"""A job, or the OODS, meets the trouble before the script does; its log says more."""


def _verify(name: str, meaning: str, cause: str = _INCOMPLETE) -> FaultKind:
    """A fault of verification results; they stay in the repository."""
    return FaultKind(f"{VERIFY}{name}", meaning, _OF_RESULT, cause, rare=True, lasting=bool(cause))


_ROWS = (
    FaultKind(
        "component-state",
        "a component is not ENABLED when the run begins",
        {"component": _COMPONENT, "state": _STATE},
        "not ENABLED|not allowed in",
        {"state": ("STANDBY", "DISABLED", "FAULT")},
    ),
    FaultKind(
        "component-absent",
        "a component does not run at all",
        {"component": _COMPONENT},
        "has not said its state",
    ),
    FaultKind("take-images-refused", "the camera refuses takeImages", _OF_IMAGE, "takeImages rejected"),
    FaultKind(
        "take-images-silent",
        "the camera neither takes an image nor answers takeImages",
        _OF_IMAGE,
        "did not take .*(Timed|acknowledgement|Timeout)",
    ),
    FaultKind(
        "camera-fault", "the camera goes to FAULT when an image has been read out", _OF_IMAGE, "[Ff]ault"
    ),
    FaultKind("end-readout-lost", "an endReadout is never published", _OF_IMAGE, _NO_END),
    FaultKind(
        "end-readout-late",
        "an endReadout comes late",
        {**_OF_IMAGE, "seconds": _SECONDS},
        _NO_END,
        {"seconds": (1, 20, 40, 200)},
    ),
    FaultKind("end-readout-duplicated", "an endReadout is published twice", _OF_IMAGE),
    FaultKind(
        "end-readout-reordered", "an endReadout comes after that of the image after", _OF_IMAGE, _NO_END
    ),
    FaultKind(
        "oods-lost", "an imageInOODS is never published, though the file is ingested", _OF_FILE, _NO_EVENT
    ),
    FaultKind(
        "oods-late",
        "an imageInOODS comes late",
        {**_OF_FILE, "seconds": _SECONDS},
        _NO_EVENT,
        {"seconds": (5, 50, 300)},
    ),
    FaultKind("oods-duplicated", "an imageInOODS is published twice", _OF_FILE),
    FaultKind(
        "oods-status",
        "a file is not ingested, and imageInOODS says so",
        {**_OF_FILE, "code": _STATUS_CODE},
        "not confirmed by the OODS .*statusCode",
        {"code": (1, 3)},
    ),
    FaultKind(
        "oods-foreign",
        "an imageInOODS of an image that nobody here has taken comes in the place of that of an image; its"
        " own one comes never",
        _OF_FILE,
        _NO_EVENT,
    ),
    FaultKind(
        "oods-one-detector",
        "imageInOODS comes for the first detector of the camera alone",
        _OF_IMAGE,
        _NO_EVENT,
        rare=True,
    ),
    FaultKind(
        "run-disk-full",
        "the disk of the run directory is full from the begin of an image on",
        _OF_MACHINE,
        "No space left",
    ),
    FaultKind(
        "clock-step",
        "TAI jumps at the begin of an image",
        {"image": _IMAGE, "seconds": _BY, "times": _TIMES_ONE},
        drawn={"seconds": (-3600, -37, -1, 1, 37, 3600)},
    ),
    FaultKind(
        "ocps-configuration",
        "the OCPS was enabled with the configuration of another instrument",
        {"instrument": _INSTRUMENT},
        "has the configuration of",
    ),
    FaultKind(
        "ocps-exit",
        "a job fails with an exit code",
        {**_OF_JOB, "code": _EXIT_CODE},
        "exit code [1-9]",
        {"code": (1, 2, 255)},
    ),
    FaultKind("ocps-refused", "the OCPS refuses a job", _OF_JOB, "the OCPS refused it"),
    FaultKind("ocps-silent", "the OCPS never answers to a job", _OF_JOB, "did not answer"),
    FaultKind("ocps-foreign", "job_result of jobs of others come before that of a job", _OF_JOB),
    FaultKind(
        "ocps-result-early",
        "job_result comes before the OCPS has acknowledged that it took a job",
        _OF_JOB,
        "did not answer|did not end within",
    ),
    FaultKind(
        "ocps-completion-late",
        "the command completes long after job_result has come",
        {**_OF_JOB, "seconds": _SECONDS},
        drawn={"seconds": (1, 30, 2000)},
    ),
    FaultKind(
        "ocps-result-late",
        "job_result comes after the command has completed",
        {**_OF_JOB, "seconds": _SECONDS},
        "no job_result",
        {"seconds": (1, 30, 200)},
    ),
    FaultKind("ocps-result-lost", "a job_result is never published", _OF_JOB, "no job_result"),
    FaultKind("ocps-result-duplicated", "a job_result is published twice", _OF_JOB),
    FaultKind(
        "ocps-phase",
        "the JSON of job_result says another phase than that of the submission",
        {**_OF_JOB, "phase": _PHASE},
        drawn={"phase": _PHASES},
    ),
    FaultKind(
        "ocps-malformed",
        "a text that should be JSON is none",
        {**_OF_JOB, "where": _WHERE},
        "without a job id",
    ),
    FaultKind(
        "ocps-offline",
        "the OCPS goes OFFLINE while a job runs",
        _OF_JOB,
        "OFFLINE|STANDBY|the OCPS gave it up|did not answer|refused",
    ),
    FaultKind(
        "ocps-slow",
        "a job takes much longer",
        {**_OF_JOB, "factor": _MUCH},
        "did not end within",
        {"factor": (2, 20, 500)},
    ),
    _verify("no-exposure", "the result of an exposure is missing"),
    _verify("no-detector", "the result of a detector is missing"),
    _verify("no-amplifier", "the results of an amplifier are missing"),
    _verify("nan", "a measured value is not a number"),
    _verify("untested", "an exposure was measured and not tested"),
    _verify("extra", "results have keys that nobody knows", cause=""),
    _verify("empty", "the results of an exposure are empty"),
    FaultKind(
        "butler-locked",
        "the database of the repository is locked from the end of a job on",
        {**_OF_BUTLER, "seconds": _SECONDS},
        f"locked|{_BEFORE}",
        {"seconds": (1, 60)},
    ),
    FaultKind(
        "butler-full",
        "nothing can be certified from the end of a job on: the disk is full",
        _OF_BUTLER,
        "full",
        rare=True,
        lasting_after_kill=True,
    ),
    FaultKind(
        "butler-read-only",
        "the repository is read-only from the end of a job on",
        _OF_BUTLER,
        f"readonly|read-only|cannot be written|{_BEFORE}",
        lasting_after_kill=True,
    ),
    FaultKind(
        "butler-conflict",
        "when a job ends somebody else certifies, for all times, another calibration of its type",
        {**_OF_BUTLER, "collection": _COLLECTION},
        "another one is valid|two cannot be valid at the same time",
        rare=True,
        lasting=True,
    ),
)

_DETECTOR_ROWS = (
    FaultKind(
        "amplifier-noise",
        "The read noise of an amplifier is multiplied.",
        {"amplifier": _AMPLIFIER, "factor": _NOISE_FACTOR, **_OF_DETECTOR},
    ),
    FaultKind(
        "amplifier-dead",
        "No charge reaches the output of an amplifier: bias level and read noise only.",
        {"amplifier": _AMPLIFIER, **_OF_DETECTOR},
    ),
    FaultKind(
        "light-leak",
        "Light reaches the detector all the time, with the shutter closed too.",
        {"rate": _LEAK_RATE, **_OF_DETECTOR},
    ),
    FaultKind(
        "hot-column",
        "A column of the assembled detector has a high dark current over its whole height.",
        {"column": _COLUMN, "rate": _COLUMN_RATE, **_OF_DETECTOR},
    ),
    FaultKind("shutter-stuck", "The shutter does not open.", _OF_DETECTOR),
)

KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _ROWS}
"""Faults of components, of the machine, of verification results and of the Butler, by name."""

DETECTOR_KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _DETECTOR_ROWS}
"""Faults of the detectors by name. They are in every image; `..detector.faults` says what they do."""
