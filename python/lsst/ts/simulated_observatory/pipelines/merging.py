"""Results of verification, merged over detectors and then over exposures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .criteria import TOLERANCE

__all__ = ["exp_merge", "run_merge"]


def exp_merge(statistics: Mapping[str, Mapping[str, Any]], *, scatter: bool = False) -> dict[str, Any]:
    """Result of an exposure from those of its detectors (cp_verify, CpVerifyExpMergeTask).

    Parameters
    ----------
    statistics, scatter
        ``verify<X>DetStats`` by detector name; whether to test the scatter of their means, too (flats).

    Returns
    -------
    result
        ``{detector: {"SUCCESS", "FAILURES"}, "SUCCESS"}``; FAILURES, detector tests before amplifier tests,
        are there only where SUCCESS is False. Flats have ``EXP`` and ``VERIFY`` as well.
    """
    result: dict[str, Any] = {}
    success = True
    for detector, values in statistics.items():
        passed = bool(values["SUCCESS"])
        result[detector] = {"SUCCESS": passed}
        if not passed:
            result[detector]["FAILURES"] = _failures(values["VERIFY"])
        success &= passed
    if scatter:
        # The limit is not a ratio in cp_verify (verifyFlat): several detectors hardly keep it.
        means = [each["DET"]["MEAN"] for each in statistics.values()]
        value = float(np.std(means)) if means else math.nan
        result["EXP"], result["VERIFY"] = {"SCATTER": value}, {"EXP": {"SCATTER": value <= TOLERANCE}}
        success &= value <= TOLERANCE
    result["SUCCESS"] = success
    return result


def run_merge(statistics: Mapping[int, Mapping[str, Any]]) -> dict[int | str, Any]:
    """Result of a run from those of its exposures (cp_verify, CpVerifyRunMergeTask).

    A failure is named by detector, amplifier and test, as far as it has them. Other than in cp_verify, flats
    keep the failures of their detectors.

    Parameters
    ----------
    statistics
        ``verify<X>ExpStats`` by exposure id. They are not changed.

    Returns
    -------
    result
        ``{exposure id: {"SUCCESS", "FAILURES"}, ..., "SUCCESS"}``.
    """
    result: dict[int | str, Any] = {}
    for exposure, values in sorted(statistics.items()):
        passed = bool(values["SUCCESS"])
        result[int(exposure)] = {"SUCCESS": passed}
        if not passed:
            failures = [test for test, good in values.get("VERIFY", {}).get("EXP", {}).items() if not good]
            for name, each in values.items():
                if isinstance(each, Mapping):
                    failures += [f"{name} {failure}" for failure in each.get("FAILURES", ())]
            result[int(exposure)]["FAILURES"] = failures
    result["SUCCESS"] = all(each["SUCCESS"] for each in result.values())
    return result


def _failures(verify: Mapping[str, Any]) -> list[str]:
    """Failed tests of a detector.

    READ_NOISE_CONSISTENT alone is no failure: it is listed for amplifiers that have failed anyway.
    """
    failures = [test for test, good in verify["DET"].items() if not good and test != "SUCCESS"]
    for amplifier, tests in verify["AMP"].items():
        if not tests["SUCCESS"]:
            failures += [
                f"{amplifier} {test}" for test, good in tests.items() if not good and test != "SUCCESS"
            ]
    return failures
