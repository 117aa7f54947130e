"""Words by which an operator recognises what went wrong; regular expressions, by the name of the fault."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["CAUSES", "HARMLESS", "LASTING", "LASTING_AFTER_A_KILL"]

_INCOMPLETE = "The verification of [A-Z]+ has|VERIFICATION NEGATIVE"

_BEFORE = "exit code 1|statusCode 1"
"""A job, or the OODS, meets the trouble before the script does; its log says more."""

CAUSES: Mapping[str, str] = {
    "component-state": "not ENABLED|not allowed in",
    "component-absent": "has not said its state",
    "take-images-refused": "takeImages rejected",
    "take-images-silent": "did not take .*(Timed|acknowledgement|Timeout)",
    "camera-fault": "[Ff]ault",
    "end-readout-lost": "did not take|not confirmed",
    "end-readout-late": "did not take|not confirmed",
    "end-readout-reordered": "did not take|not confirmed",
    "oods-lost": "not confirmed by the OODS .*no imageInOODS",
    "oods-late": "not confirmed by the OODS .*no imageInOODS",
    "oods-status": "not confirmed by the OODS .*statusCode",
    "oods-foreign": "not confirmed by the OODS .*no imageInOODS",
    "oods-one-detector": "not confirmed by the OODS .*no imageInOODS",
    "run-disk-full": "No space left",
    "ocps-exit": "exit code [1-9]",
    "ocps-configuration": "has the configuration of",
    "ocps-refused": "the OCPS refused it",
    "ocps-silent": "did not answer",
    "ocps-result-early": "did not answer|did not end within",
    "ocps-result-late": "no job_result",
    "ocps-result-lost": "no job_result",
    "ocps-malformed": "without a job id",
    "ocps-offline": "OFFLINE|STANDBY|the OCPS gave it up|did not answer|refused",
    "ocps-slow": "did not end within",
    "verify-no-exposure": _INCOMPLETE,
    "verify-no-detector": _INCOMPLETE,
    "verify-no-amplifier": _INCOMPLETE,
    "verify-nan": _INCOMPLETE,
    "verify-untested": _INCOMPLETE,
    "verify-empty": _INCOMPLETE,
    "butler-locked": f"locked|{_BEFORE}",
    "butler-full": "full",
    "butler-read-only": f"readonly|read-only|cannot be written|{_BEFORE}",
    "butler-conflict": "another one is valid|two cannot be valid at the same time",
}

HARMLESS = frozenset(
    {
        "clock-step",
        "end-readout-duplicated",
        "oods-duplicated",
        "ocps-completion-late",
        "ocps-foreign",
        "ocps-phase",
        "ocps-result-duplicated",
        "verify-extra",
    }
)
"""Faults that must not make any difference to the outcome."""

LASTING = frozenset({"butler-conflict", *(name for name in CAUSES if name.startswith("verify-"))})
"""Faults that leave something in the repository which a run meets again when it is resumed."""

LASTING_AFTER_A_KILL = frozenset({"butler-full", "butler-read-only"})
"""Faults that end when the simulated components do, if nobody kills them."""
