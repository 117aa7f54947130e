"""All kinds of faults but those of the detectors; the component in which one strikes asks for it by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, INSTRUMENTS

from ..pipelines.calibration_types import CALIBRATION_TYPES, GAIN
from .options import FaultKind, Option, Value, number, whole_number

__all__ = ["KINDS"]

MOST_SECONDS = 1e6
"""Longest time of a fault: more than the longest run."""


def _seconds(*drawn: Value) -> Mapping[str, Option]:
    expected = f"a number of seconds greater than 0 and up to {MOST_SECONDS:g}"
    read = number(expected, lambda found: 0 < found <= MOST_SECONDS)
    return {"seconds": Option("simulated seconds", read, default=30.0, drawn=drawn)}


_step = number(
    f"a number of seconds between -{MOST_SECONDS:g} and {MOST_SECONDS:g}",
    lambda found: abs(found) <= MOST_SECONDS,
)
_factor = number("a factor from 1 to 1e6", lambda found: 1.0 <= found <= 1e6)

_COMPONENT = Option("SAL name, e.g. ATCamera or OCPS:1", required=True, condition=True)
_STATES = ("STANDBY", "DISABLED", "FAULT")
_STATE = Option("its state", str.upper, required=True, choices=_STATES, drawn=_STATES)
_IMAGE = Option("number of the image in the run, from 1", whole_number, condition=True)
_DETECTOR = Option("detector name, e.g. RXX_S00", condition=True)
_JOB_KIND = Option("of which jobs", condition=True, choices=("generate", "verify", "gain"))
_CALIBRATION = Option("of which jobs", str.upper, condition=True, choices=(*CALIBRATION_TYPES, GAIN))
_BY = Option(
    "by how many seconds; less than 0 for backwards",
    _step,
    default=-37.0,
    drawn=(-3600, -37, -1, 1, 37, 3600),
)
_TIMES = Option("how often it strikes; every time if left out", whole_number)
_TIMES_ONE = Option("how often it strikes", whole_number, default=1)
_STATUS_CODE = Option("statusCode", whole_number, default=1, drawn=(1, 3))
_EXIT_CODE = Option("exit code", whole_number, default=1, drawn=(1, 2, 255))
_MUCH = Option("how many times longer", _factor, default=10.0, drawn=(2, 20, 500))
_PHASES = ("completed", "error", "executing", "aborted")
_PHASE = Option("which phase", default="completed", choices=_PHASES, drawn=_PHASES)
_INSTRUMENT = Option("of which instrument", required=True, choices=tuple(INSTRUMENTS))
_WHERE = Option("in the acknowledgement or in job_result", condition=True, choices=("ack", "result"))
_COLLECTION = Option(
    "which collection; if left out, the calib_collection of the default configuration", default=""
)
_INCOMPLETE = "The verification of [A-Z]+ has|VERIFICATION NEGATIVE|is not completely verified"
_NO_BEGIN = "startIntegration (of .* )?has not come"
_NO_END = "the endReadout of .* has not come|not confirmed"
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
        "not ENABLED|is in FAULT: clear it|not allowed in",
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
    _image("start-integration-lost", "a startIntegration is never published", _NO_BEGIN),
    _image("end-readout-lost", "an endReadout is never published", _NO_END),
    _image("end-readout-late", "an endReadout comes late", _NO_END, _seconds(1, 20, 40, 200)),
    _image("end-readout-duplicated", "an endReadout is published twice"),
    _image("end-readout-reordered", "an endReadout comes after that of the next image", _NO_END),
    FaultKind(
        "local-image-before",
        "the last image before the run was taken under local control, with the number of the first one of it",
    ),
    _image(
        "local-image-between",
        "after an image, another is taken under local control, with the number of the next one",
    ),
    _image(
        "header-late",
        "the header service is late; after 10 s the camera writes the file without a header",
        _NO_EVENT,
        _seconds(2, 9, 30),
    ),
    _image("header-lost", "the header service makes no header of an image", _NO_EVENT),
    _file("oods-lost", "an imageInOODS is never published, though the file is ingested", _NO_EVENT),
    _file("oods-late", "an imageInOODS comes late", _NO_EVENT, _seconds(5, 50, 300)),
    _file("oods-duplicated", "an imageInOODS is published twice"),
    _file(
        "oods-status",
        "the Butler refuses a file; imageInOODS has numbers of exposure and detector, but no names",
        "not confirmed by the OODS .*statusCode",
        {"code": _STATUS_CODE},
    ),
    _file(
        "oods-metadata",
        "the OODS cannot read the header of a file; imageInOODS names neither image nor detector",
        _NO_EVENT,
    ),
    _file(
        "oods-nameless",
        "a file is ingested, but its imageInOODS names neither image nor detector",
        _NO_EVENT,
    ),
    _file(
        "oods-overtaken",
        "another process has already ingested a file, so that the Butler refuses it when the OODS comes",
        "not confirmed by the OODS .*statusCode",
    ),
    _file("oods-foreign", "imageInOODS names an image of another run instead of its own", _NO_EVENT),
    _image(
        "oods-one-detector",
        "imageInOODS comes only for the first detector of the camera",
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
        "the clock (TAI) jumps at the beginning of an image",
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
    _job("ocps-refused", "the execution service behind the OCPS refuses a job", "the OCPS refused it"),
    _job("ocps-silent", "the OCPS does not answer when a job is submitted", "did not answer"),
    _job(
        "ocps-acknowledgement-late",
        "the OCPS acknowledges a job late, when it has begun",
        "did not answer",
        _seconds(5, 60, 200),
    ),
    _job(
        "ocps-poll",
        "the execution service does not tell the state of a job: the command fails, but the job goes on",
        "the OCPS (gave it up|refused it: Failed)",
    ),
    _job(
        "ocps-aborted",
        "somebody else aborts a job, and its log is deleted",
        "exit code 255|404 Client Error",  # the second where it was not acknowledged yet
    ),
    _job("ocps-foreign", "before the job_result of a job, those of jobs of others come"),
    _job(
        "ocps-result-early",
        "job_result comes before the OCPS has acknowledged the job",
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
        "the JSON of job_result has another phase than that of the submission",
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
        "the OCPS goes OFFLINE while a job runs, and tells nothing more about it",
        "OFFLINE|STANDBY|did not end within|did not answer|refused",
    ),
    _job(
        "ocps-standby",
        "the OCPS is put into STANDBY while a job runs: the job ends normally, but no other is accepted",
        "STANDBY",
    ),
    _job("ocps-slow", "a job takes much longer", "did not end within", {"factor": _MUCH}),
    _verify("no-exposure", "the result of an exposure is missing"),
    _verify("no-detector", "the result of a detector is missing"),
    _verify("no-amplifier", "the results of an amplifier are missing"),
    _verify("nan", "a measured value is not a number"),
    _verify("untested", "an exposure was measured, but not tested"),
    _verify("extra", "results have unknown keys", cause=""),
    _verify("empty", "the results of an exposure are empty"),
    FaultKind(
        "ptc-without-gain",
        "the photon transfer curves in use have no gain for an amplifier",
        {"amplifier": Option("its name", required=True, choices=AMPLIFIERS, drawn=AMPLIFIERS[::5])},
        lasting=True,
    ),
    _butler(
        "butler-certified",
        "when a job ends, somebody else certifies a calibration of its type for another time",
        more={"collection": _COLLECTION},
    ),
    _butler("butler-ingested", "when a job ends, another process ingests an image of another controller"),
    _butler(
        "butler-pruned",
        "when a job ends, somebody else removes everything it has made",
        f"{_INCOMPLETE}|no gain in|are not there",
        rare=True,
        lasting=True,
    ),
    _butler(
        "butler-raw-pruned",
        "when a job ends, somebody else removes the last of its images from the repository",
        f"{_INCOMPLETE}|no gain in|are not there|exit code 1",
        rare=True,
        lasting=True,
    ),
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
        "when a job ends, somebody else certifies, for all times, another calibration of its type",
        "another one is valid|only one can be valid at a time",
        {"collection": _COLLECTION},
        rare=True,
        lasting=True,
    ),
    _butler(
        "butler-other-night",
        "when a job ends, each exposure id gets the group, type and exposure time of the next exposure",
        f"of the Butler is|another one is valid|{_BEFORE}",
        lasting=True,
    ),
)

KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in _ROWS}
"""Faults of components, of the machine, of verification results and of the Butler, by name."""
