"""Certification: all or nothing, only what was accepted, never twice for the same time."""

from datetime import datetime

import pytest
from lsst.daf.butler import Butler

from lsst.ts.calibrations.adapters.certification import Certification, certify, find_conflicts
from lsst.ts.calibrations.domain.errors import CertificationError
from lsst.ts.calibrations.pipelines.calibrations import PhotonTransferCurve
from lsst.ts.calibrations.pipelines.repository import calibration_type, create_repository
from lsst.ts.calibrations.verification import Accepted, Waiver, evaluate

AMPLIFIERS = ("C00",)
BEGIN, END = datetime(2025, 1, 15), datetime(2025, 1, 16)
JOB = "u/ocps/job"


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    path = tmp_path_factory.mktemp("butler") / "repo"
    create_repository(str(path))
    return path


@pytest.fixture
def butler(template, tmp_path):
    """A repository in which one job has left a photon transfer curve."""
    import shutil

    shutil.copytree(template, tmp_path / "repo")
    butler = Butler.from_config(str(tmp_path / "repo"), writeable=True)
    put(butler, JOB)
    yield butler
    butler.close()


def put(butler, job):
    butler.collections.register(f"{job}/run")
    curve = PhotonTransferCurve("RXX_S00", {"C00": 1.1})
    data_id = {"instrument": "LATISS", "detector": 0}
    return butler.put(curve, calibration_type(butler, "ptc"), data_id, run=f"{job}/run")


def accepted(job=JOB) -> Accepted:
    good = {1: {"SUCCESS": True, "FAILURES": []}, "SUCCESS": True}
    verdict = evaluate(
        good, exposures=[1], detectors=["RXX_S00"], amplifiers=AMPLIFIERS, max_failures_per_detector=8
    )
    return verdict.accept(job)


def wish(**changes) -> Certification:
    fields = {
        "ground": accepted(), "dataset_type": "ptc", "detectors": (0,), "collection": "LATISS/calib/daily",
        "begin": BEGIN, "end": END,
    }  # fmt: skip
    return Certification(**(fields | changes))


def conflicts(butler, **changes):
    fields = {
        "instrument": "LATISS", "dataset_types": ["bias", "ptc"], "detectors": (0,),
        "collection": "LATISS/calib/daily", "begin": BEGIN, "end": END,
    }  # fmt: skip
    return find_conflicts(butler, **(fields | changes))


def test_what_is_certified_is_found_by_collection_and_time(butler):
    assert certify(butler, wish()) == 1
    (found,) = conflicts(butler)
    assert (found.dataset_type, found.begin, found.end) == (
        "ptc", "2025-01-15T00:00:00.000", "2025-01-16T00:00:00.000",
    )  # fmt: skip


def test_the_same_again_is_nothing_to_do(butler):
    certify(butler, wish())
    assert certify(butler, wish()) == 0


def test_another_one_for_the_same_time_is_refused_and_the_first_stays(butler):
    certify(butler, wish())
    other = put(butler, "u/ocps/other")
    with pytest.raises(CertificationError, match="already"):
        certify(butler, wish(ground=accepted("u/ocps/other"), begin=datetime(2025, 1, 15, 12)))
    associations = butler.registry.queryDatasetAssociations("ptc", collections=["LATISS/calib/daily"])
    assert other not in {each.ref for each in associations}


def test_ranges_that_touch_do_not_conflict(butler):
    certify(butler, wish())
    assert conflicts(butler, begin=END, end=datetime(2025, 1, 17)) == []
    assert conflicts(butler, dataset_types=["bias"]) == []
    assert conflicts(butler, detectors=(1,)) == []


def test_what_this_run_has_certified_before_it_was_interrupted_is_no_conflict(butler):
    certify(butler, wish())
    assert conflicts(butler, own=[f"{JOB}/run"]) == []
    assert len(conflicts(butler, own=["u/ocps/other/run"])) == 1
    assert len(conflicts(butler, own=[f"{JOB}/run"], end=datetime(2025, 1, 17))) == 1


def test_a_detector_without_a_calibration_is_told_and_nothing_is_certified(butler):
    with pytest.raises(CertificationError, match=r"\[0, 1\]"):
        certify(butler, wish(detectors=(0, 1)))
    assert conflicts(butler) == []


def test_only_a_calibration_collection_will_do(butler):
    with pytest.raises(CertificationError, match="RUN"):
        conflicts(butler, collection=f"{JOB}/run")


def test_a_waiver_is_written_down_as_unverified():
    assert wish().verified
    assert not wish(ground=Waiver((1,), JOB, "do_verify is false")).verified


def test_what_was_rejected_cannot_be_accepted():
    bad = {1: {"SUCCESS": False, "FAILURES": ["RXX_S00 C00 NOISE"]}, "SUCCESS": False}
    verdict = evaluate(
        bad, exposures=[1], detectors=["RXX_S00"], amplifiers=AMPLIFIERS, max_failures_per_detector=8
    )
    with pytest.raises(ValueError, match="did not pass"):
        verdict.accept(JOB)
