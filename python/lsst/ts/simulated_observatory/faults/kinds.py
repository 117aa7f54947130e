"""All kinds of faults, one row each; the component in which one strikes asks for it by its name."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, INSTRUMENTS

from ..pipelines.calibration_types import CALIBRATION_TYPES, GAIN

__all__ = ["DETECTOR_KINDS", "KINDS", "FaultKind", "Option", "Value"]

MOST_COUNTED = 2**31 - 1
"""Largest number, as SAL has it for an exit code."""

MOST_SECONDS = 1e6
"""Longest time of a fault: more than the longest run."""

Value = str | int | float


@dataclass(frozen=True)
class Option:
    """An option of a fault."""

    meaning: str
    """What it is, for the help text."""
    read: Callable[[str], Value] = str
    """Makes a value from its text; raises ValueError with what is expected."""
    default: Value | None = None
    """Value if it is not given."""
    required: bool = False
    """Whether it must be given."""
    condition: bool = False
    """Whether it says when the fault strikes (then None means always), rather than what it does."""
    choices: tuple[Value, ...] = ()
    """The only values allowed, if there are any."""
    drawn: tuple[Value, ...] = ()
    """Values from which a campaign draws, if it sets the option."""


@dataclass(frozen=True)
class FaultKind:
    """A kind of fault."""

    name: str
    """As the command line has it."""
    meaning: str
    """What happens, for the help text."""
    options: Mapping[str, Option] = field(default_factory=dict)
    """Its options by name."""
    cause: str = ""
    """Regular expression by which the reason of a run names this fault; empty for one that must not make any
    difference to the outcome."""
    rare: bool = False
    """Whether it has an opportunity in few runs, so that a campaign draws it more often."""
    lasting: bool = False
    """Whether it leaves something in the repository that a run meets again when it is resumed."""
    lasting_after_kill: bool = False
    """Whether it ends with the simulated components, unless these are killed."""
    of_machine: bool = False
    """Whether it strikes the machine of a script, which must then run in this process, in simulated time."""

    @property
    def drawn(self) -> Mapping[str, Sequence[Value]]:
        """Values from which a campaign draws, by option."""
        return {key: option.drawn for key, option in self.options.items() if option.drawn}


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
    if not 1 <= number <= MOST_COUNTED:
        raise ValueError(f"it counts from 1 up to {MOST_COUNTED}")
    return number


def _index(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError("a whole number, 0 or greater")
    return int(text)


def _amplifier(text: str) -> str:
    if text not in AMPLIFIERS:
        raise ValueError("an amplifier name, C00 to C07 or C10 to C17")
    return text


def _seconds(*drawn: Value) -> Mapping[str, Option]:
    expected = f"a number of seconds greater than 0 and up to {MOST_SECONDS:g}"
    read = _number(expected, lambda number: 0 < number <= MOST_SECONDS)
    return {"seconds": Option("simulated seconds", read, default=30.0, drawn=drawn)}


_step = _number(
    f"a number of seconds between -{MOST_SECONDS:g} and {MOST_SECONDS:g}",
    lambda number: abs(number) <= MOST_SECONDS,
)
_factor = _number("a factor from 1 to 1e6", lambda number: 1.0 <= number <= 1e6)
_positive = _number("a number greater than 0", lambda number: 0 < number < math.inf)

_COMPONENT = Option("SAL name, e.g. ATCamera or OCPS:1", required=True, condition=True)
_STATES = ("STANDBY", "DISABLED", "FAULT")
_STATE = Option("its state", str.upper, required=True, choices=_STATES, drawn=_STATES)
_IMAGE = Option(
    "number of the image in the run, from 1; every image if left out", _whole_number, condition=True
)
_DETECTOR = Option("detector name, e.g. RXX_S00; all if left out", condition=True)
_JOB_KIND = Option("of which jobs; all if left out", condition=True, choices=("generate", "verify", "gain"))
_CALIBRATION = Option(
    "of which jobs; all if left out", str.upper, condition=True, choices=(*CALIBRATION_TYPES, GAIN)
)
_BY = Option(
    "by how much, s; less than 0 for backwards", _step, default=-37.0, drawn=(-3600, -37, -1, 1, 37, 3600)
)
_TIMES = Option("how often it strikes; always if left out", _whole_number)
_TIMES_ONE = Option("how often it strikes", _whole_number, default=1)
_STATUS_CODE = Option("statusCode", _whole_number, default=1, drawn=(1, 3))
_EXIT_CODE = Option("exit code", _whole_number, default=1, drawn=(1, 2, 255))
_MUCH = Option("how much", _factor, default=10.0, drawn=(2, 20, 500))
_PHASES = ("completed", "error", "executing", "aborted")
_PHASE = Option("which", default="completed", choices=_PHASES, drawn=_PHASES)
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

_INCOMPLETE = "The verification of [A-Z]+ has|VERIFICATION NEGATIVE|is not completely verified"
_NO_END = "did not take|not confirmed"
_NO_EVENT = "not confirmed by the OODS .*no imageInOODS"
_BEFORE = "exit code 1|statusCode 1"
"""A job, or the OODS, meets the trouble before the script does; its log says more."""


def _with(**common: Option) -> Callable[..., FaultKind]:
    """Make a function that makes kinds of faults with these options, and with more if they are given."""

    def make(
        name: str, meaning: str, cause: str = "", more: Mapping[str, Option] | None = None, **flags: bool
    ) -> FaultKind:
        return FaultKind(name, meaning, {**common, **(more or {})}, cause, **flags)

    return make


def _verify(name: str, meaning: str, cause: str = _INCOMPLETE) -> FaultKind:
    """A fault of verification results; they stay in the repository."""
    options = {"calibration": _CALIBRATION, "times": _TIMES}
    return FaultKind(f"verify-{name}", meaning, options, cause, rare=True, lasting=bool(cause))


_component = _with(component=_COMPONENT)
_image = _with(image=_IMAGE, times=_TIMES)
_file = _with(image=_IMAGE, detector=_DETECTOR, times=_TIMES)
_job = _with(kind=_JOB_KIND, calibration=_CALIBRATION, times=_TIMES)
_butler = _with(kind=_JOB_KIND, calibration=_CALIBRATION, times=_TIMES_ONE)

_ROWS = (
    _component(
        "component-state",
        "a component is not ENABLED when the run begins",
        "not ENABLED|not allowed in",
        {"state": _STATE},
    ),
    _component("component-absent", "a component does not run at all", "has not said its state"),
    _image("take-images-refused", "the camera refuses takeImages", "takeImages rejected"),
    _image(
        "take-images-silent",
        "the camera neither takes an image nor answers takeImages",
        "did not take .*(Timed|acknowledgement|Timeout)",
    ),
    _image("camera-fault", "the camera goes to FAULT when an image has been read out", "[Ff]ault"),
    _image("end-readout-lost", "an endReadout is never published", _NO_END),
    _image("end-readout-late", "an endReadout comes late", _NO_END, _seconds(1, 20, 40, 200)),
    _image("end-readout-duplicated", "an endReadout is published twice"),
    _image("end-readout-reordered", "an endReadout comes after that of the next image", _NO_END),
    _file("oods-lost", "an imageInOODS is never published, though the file is ingested", _NO_EVENT),
    _file("oods-late", "an imageInOODS comes late", _NO_EVENT, _seconds(5, 50, 300)),
    _file("oods-duplicated", "an imageInOODS is published twice"),
    _file(
        "oods-status",
        "a file is not ingested, and imageInOODS says so",
        "not confirmed by the OODS .*statusCode",
        {"code": _STATUS_CODE},
    ),
    _file("oods-foreign", "imageInOODS names an image that was not taken here instead of its own", _NO_EVENT),
    _image(
        "oods-one-detector",
        "imageInOODS comes for the first detector of the camera alone",
        _NO_EVENT,
        rare=True,
    ),
    FaultKind(
        "run-disk-full",
        "the disk of the run directory is full from the beginning of an image",
        {"image": _IMAGE, "times": _TIMES_ONE},
        "No space left",
        of_machine=True,
    ),
    FaultKind(
        "clock-step",
        "TAI jumps at the begin of an image",
        {"image": _IMAGE, "seconds": _BY, "times": _TIMES_ONE},
        of_machine=True,
    ),
    FaultKind(
        "ocps-configuration",
        "the OCPS was enabled with the configuration of another instrument",
        {"instrument": _INSTRUMENT},
        "has the configuration of",
    ),
    _job("ocps-exit", "a job fails with an exit code", "exit code [1-9]", {"code": _EXIT_CODE}),
    _job("ocps-refused", "the OCPS refuses a job", "the OCPS refused it"),
    _job("ocps-silent", "the OCPS never answers to a job", "did not answer"),
    _job("ocps-foreign", "job_result of jobs of others come before that of a job"),
    _job(
        "ocps-result-early",
        "job_result comes before the OCPS has acknowledged that it took a job",
        "did not answer|did not end within",
    ),
    _job(
        "ocps-completion-late",
        "the command completes long after job_result has come",
        more=_seconds(1, 30, 2000),
    ),
    _job(
        "ocps-result-late",
        "job_result comes after the command has completed",
        "no job_result",
        _seconds(1, 30, 200),
    ),
    _job("ocps-result-lost", "a job_result is never published", "no job_result"),
    _job("ocps-result-duplicated", "a job_result is published twice"),
    _job(
        "ocps-phase",
        "the JSON of job_result says another phase than that of the submission",
        more={"phase": _PHASE},
    ),
    _job(
        "ocps-malformed",
        "a text that should be JSON is not valid JSON",
        "without a job id",
        {"where": _WHERE},
    ),
    _job(
        "ocps-offline",
        "the OCPS goes OFFLINE while a job runs",
        "OFFLINE|STANDBY|the OCPS gave it up|did not answer|refused",
    ),
    _job("ocps-slow", "a job takes much longer", "did not end within", {"factor": _MUCH}),
    _verify("no-exposure", "the result of an exposure is missing"),
    _verify("no-detector", "the result of a detector is missing"),
    _verify("no-amplifier", "the results of an amplifier are missing"),
    _verify("nan", "a measured value is not a number"),
    _verify("untested", "an exposure was measured and not tested"),
    _verify("extra", "results have keys that nobody knows", cause=""),
    _verify("empty", "the results of an exposure are empty"),
    _butler(
        "butler-locked",
        "the database of the repository is locked from the end of a job on",
        f"locked|{_BEFORE}",
        _seconds(1, 60),
    ),
    _butler(
        "butler-full",
        "nothing can be certified from the end of a job on: the disk is full",
        "full",
        rare=True,
        lasting_after_kill=True,
    ),
    _butler(
        "butler-read-only",
        "the repository is read-only from the end of a job on",
        f"readonly|read-only|cannot be written|{_BEFORE}",
        lasting_after_kill=True,
    ),
    _butler(
        "butler-conflict",
        "when a job ends somebody else certifies, for all times, another calibration of its type",
        "another one is valid|two cannot be valid at the same time",
        {"collection": _COLLECTION},
        rare=True,
        lasting=True,
    ),
)

_OF_DETECTOR = {"detector": Option("Butler id of the only detector that has it", _index)}

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
