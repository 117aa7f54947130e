"""A calibration that a job left in a repository, and what certifies it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from astropy.time import Time
from lsst.daf.butler import Butler, DatasetRef, Timespan

from lsst.ts.calibrations.butler import certification
from lsst.ts.calibrations.butler.certification import (
    Certification,
    Conflict,
    PlannedCertification,
)
from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.calibrations import CALIBRATIONS
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.verification import (
    Accepted,
    CombinedCalibration,
    Waiver,
    evaluate,
    judge,
    read_calibration,
    waive,
)
from lsst.ts.simulated_observatory.pipelines.new_repository import calibration_type
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve

AMPLIFIERS = ("C00",)


BEGIN, END = datetime(2025, 1, 15), datetime(2025, 1, 16)


JOB = "u/ocps/job"


def put(
    butler: Butler, job: str, gain: float = 1.1, instrument: str = "LATISS", detector: int = 0
) -> DatasetRef:
    butler.collections.register(f"{job}/run")
    curve = PhotonTransferCurve("RXX_S00", {"C00": gain})
    data_id = {"instrument": instrument, "detector": detector}
    return butler.put(curve, calibration_type(butler, "ptc"), data_id, run=f"{job}/run")


def expose(butler: Butler, begin: datetime) -> int:
    """Register an exposure of 30 s; return its id."""
    day, end = int(f"{begin:%Y%m%d}"), begin + timedelta(seconds=30)
    number = day * 100_000 + begin.hour
    records: dict[str, dict[str, Any]] = {
        "physical_filter": {"name": "empty", "band": "white"},
        "day_obs": {"id": day},
        "group": {"name": f"{begin}"},
        "exposure": {
            "id": number, "obs_id": f"{number}", "physical_filter": "empty", "day_obs": day,
            "group": f"{begin}", "timespan": Timespan(Time(begin, scale="tai"), Time(end, scale="tai")),
        },
    }  # fmt: skip
    for element, record in records.items():
        butler.registry.syncDimensionData(element, {"instrument": "LATISS", **record})
    return number


def combined(butler: Butler, job: str = JOB, name: str = "PTC") -> CombinedCalibration:
    """What a job has made, as it is now."""
    found = certification._made(butler, name.lower(), f"{job}/run")
    return CombinedCalibration(name, {"FLAT": (1,), name: (1,)}, job, tuple(str(ref.id) for ref in found))


def accepted(made: CombinedCalibration) -> Accepted:
    tested = {
        "AMP": {name: {"MEAN": 0.1} for name in AMPLIFIERS},
        "VERIFY": {"AMP": {name: {"MEAN": True} for name in AMPLIFIERS}},
    }
    if CALIBRATIONS[made.name].verified_by_itself:
        results = read_calibration(
            made.name, {"RXX_S00": tested}, amplifiers={"RXX_S00": frozenset(AMPLIFIERS)}
        )
        return judge(results, max_failures_per_detector=8, combined=made).accept()
    return evaluate(
        {1: {"SUCCESS": True, "FAILURES": []}, "SUCCESS": True},
        exposures=[1],
        detectors=["RXX_S00"],
        amplifiers=AMPLIFIERS,
        max_failures_per_detector=8,
        measured={(1, "RXX_S00"): tested},
        combined=made,
    ).accept()


def waived(made: CombinedCalibration) -> Waiver:
    options = {"do_verify": False, "generate_calibrations": True}
    return waive(made, CalibrationConfig.from_namespace(options, LATISS))


def wanted(butler: Butler, job: str = JOB, **changes: Any) -> Certification:
    fields: dict[str, Any] = {
        "ground": accepted(combined(butler, job)), "detectors": (0,), "collection": "LATISS/calib/daily",
        "begin": BEGIN, "end": END,
    }  # fmt: skip
    return Certification(**(fields | changes))


def conflicts(butler: Butler, instrument: str = "LATISS", **changes: Any) -> list[Conflict]:
    fields: dict[str, Any] = {
        "dataset_types": ("bias", "ptc"), "detectors": (0,),
        "collection": "LATISS/calib/daily", "begin": BEGIN, "end": END,
    }  # fmt: skip
    return certification._conflicts(butler, instrument, PlannedCertification(**(fields | changes)))
