"""Faults of verification results: what a job has stored is changed or taken away before anybody reads it."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..pipelines.ocps_job import Job
from .faults import Faults
from .kinds import KINDS, VERIFY

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DatasetRef

__all__ = ["VerificationFaults"]

_Results = dict[str, Any]
_Change = Callable[[_Results], _Results | None]


class VerificationFaults:
    """Spoils the results of verification jobs.

    Parameters
    ----------
    faults
        What goes wrong.
    """

    def __init__(self, faults: Faults) -> None:
        self._faults = faults
        self._names = [name for name in KINDS if name.startswith(VERIFY) and faults.asked_for(name)]

    @property
    def asked_for(self) -> bool:
        """Whether there is anything to spoil."""
        return bool(self._names)

    def spoil(self, butler: Butler, job: Job) -> None:
        """Change the results of one exposure or detector of a job, the last one.

        Parameters
        ----------
        butler
            Writeable.
        job
            A job that has ended with success.
        """
        if job.kind != "verify":
            return
        prefix = f"verify{job.calibration.capitalize()}"
        for name in self._names:
            changes = _CHANGES[name.removeprefix(VERIFY)]
            found = [_datasets(butler, f"{prefix}{level}Stats", job) for level in ("Det", "Exp")]
            pairs = [
                (refs[-1], change) for refs, change in zip(found, changes, strict=True) if refs and change
            ]
            if pairs and self._faults.strike(name, calibration=job.calibration):
                for ref, change in pairs:
                    _replace(butler, ref, change)


def _datasets(butler: Butler, name: str, job: Job) -> list[DatasetRef]:
    """Results of a job, by exposure and detector."""
    from lsst.daf.butler import MissingDatasetTypeError

    butler.registry.refresh()
    try:
        found = butler.query_datasets(name, collections=f"{job.collection}/run", explain=False)
    except MissingDatasetTypeError:
        return []
    return sorted(found, key=lambda ref: tuple(map(str, ref.dataId.required_values)))


def _replace(butler: Butler, ref: DatasetRef, change: _Change) -> None:
    """Put a changed dataset into the place of one; or nothing."""
    results = change(copy.deepcopy(butler.get(ref)))
    butler.pruneDatasets([ref], disassociate=True, unstore=True, purge=True)
    if results is not None:
        butler.put(results, ref.datasetType, ref.dataId, run=ref.run)


def _gone(_: _Results) -> None:
    """Nothing is left."""


def _emptied(_: _Results) -> _Results:
    return {}


def _without_amplifier(results: _Results) -> _Results:
    """The last amplifier is missing among measurements and tests."""
    for each in (results, results.get("VERIFY", {})):
        if each.get("AMP"):
            del each["AMP"][max(each["AMP"])]
    return results


def _without_detector(results: _Results) -> _Results:
    """The last detector is missing in the result of an exposure."""
    names = [key for key, value in results.items() if isinstance(value, Mapping) and "SUCCESS" in value]
    return {key: value for key, value in results.items() if key not in names[-1:]}


def _not_a_number(results: _Results) -> _Results:
    """The first measurement of the first amplifier is not a number."""
    for values in list(results.get("AMP", {}).values())[:1]:
        values[next(iter(values))] = math.nan
    return results


def _untested(results: _Results) -> _Results:
    """All is measured, and no test of it was made."""
    return {**results, "VERIFY": {"AMP": {name: {} for name in results.get("AMP", {})}, "DET": {}}}


def _more(results: _Results) -> _Results:
    """Keys that a later version of the pipelines may add."""
    return {**results, "ISR": {"CALIBDIST": {"MEDIAN": 0.1}}}


def _noted(results: _Results) -> _Results:
    return {**results, "NOTE": "made by a later version"}


_CHANGES: Mapping[str, tuple[_Change | None, _Change | None]] = {
    "no-exposure": (_gone, _gone),
    "no-detector": (_gone, _without_detector),
    "no-amplifier": (_without_amplifier, None),
    "nan": (_not_a_number, None),
    "untested": (_untested, None),
    "extra": (_more, _noted),
    "empty": (_emptied, _emptied),
}
"""What becomes of the results of a detector, and of those of an exposure."""
