"""Certification: all or nothing, only what was accepted, never twice for the same time."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from lsst.daf.butler import Butler, CollectionType, DatasetNotFoundError, DatasetRef

from lsst.ts.calibrations.butler import certification
from lsst.ts.calibrations.butler.certification import (
    Certification,
)
from lsst.ts.calibrations.domain.errors import CertificationError
from lsst.ts.calibrations.verification import (
    Accepted,
    Waiver,
)
from lsst.ts.simulated_observatory.pipelines.new_repository import calibration_type

from .certified import BEGIN, END, JOB, accepted, combined, conflicts, expose, put, waived, wanted


def certify(butler: Butler, wanted: Certification) -> int:
    return certification._certify(butler, wanted)


def found_by(butler: Butler, exposure: int, collection: str = "LATISS/calib/daily") -> float:
    """Gain of the curve that a notebook gets for an exposure."""
    curve = butler.get("ptc", instrument="LATISS", detector=0, exposure=exposure, collections=collection)
    gain: float = curve.gain["C00"]
    return gain


def test_what_is_certified_is_found_by_exposure_within_its_validity_and_not_outside(butler: Butler) -> None:
    certify(butler, wanted(butler))
    assert found_by(butler, expose(butler, BEGIN)) == 1.1
    assert found_by(butler, expose(butler, END - timedelta(hours=1))) == 1.1
    for outside in (BEGIN - timedelta(minutes=1), END):
        with pytest.raises(DatasetNotFoundError, match="ptc"):
            found_by(butler, expose(butler, outside))


def test_exposures_of_two_days_find_the_calibration_of_their_day(butler: Butler) -> None:
    certify(butler, wanted(butler))
    put(butler, "u/ocps/next", gain=1.2)
    certify(butler, wanted(butler, "u/ocps/next", begin=END, end=END + timedelta(days=1)))
    assert found_by(butler, expose(butler, BEGIN)) == 1.1
    assert found_by(butler, expose(butler, END)) == 1.2


OPEN = [
    (datetime(1950, 1, 1), datetime(2050, 1, 1), "before 1970", "2050-01-01T00:00:00.000"),
    (datetime(1980, 1, 1), datetime(2051, 12, 31), "1980-01-01T00:00:00.000", "2051-12-31T00:00:00.000"),
    (datetime(2022, 11, 4), datetime(9999, 12, 31), "2022-11-04T00:00:00.000", "after 2100"),
    (datetime(1, 1, 1), datetime(2100, 1, 1), "before 1970", "after 2100"),
]
"""Validity ranges that go beyond what the Butler can tell, and what there is in its place."""


@pytest.mark.parametrize(("begin", "end", "shown_begin", "shown_end"), OPEN)
def test_a_range_of_which_the_butler_cannot_tell_an_end_is_open_there(
    butler: Butler,
    caplog: pytest.LogCaptureFixture,
    begin: datetime,
    end: datetime,
    shown_begin: str,
    shown_end: str,
) -> None:
    assert certify(butler, wanted(butler, begin=begin, end=end)) == 1
    assert certify(butler, wanted(butler, begin=begin, end=end)) == 0
    (found,) = conflicts(butler)
    assert (found.begin, found.end) == (shown_begin, shown_end)
    assert conflicts(butler, begin=datetime(1940, 1, 1), end=datetime(9000, 1, 1)) == [found]
    assert found_by(butler, expose(butler, BEGIN)) == 1.1
    assert caplog.records == []


def test_what_ends_before_2050_leaves_room_after_it(butler: Butler) -> None:
    certify(butler, wanted(butler, begin=datetime(1950, 1, 1), end=datetime(2050, 1, 1)))
    assert conflicts(butler, begin=datetime(2050, 1, 1), end=datetime(9999, 12, 31)) == []
    assert len(conflicts(butler, begin=datetime(1960, 1, 1), end=datetime(1980, 1, 1))) == 1


def test_what_is_certified_is_found_by_collection_and_time(butler: Butler) -> None:
    assert certify(butler, wanted(butler)) == 1
    (found,) = conflicts(butler)
    assert (found.dataset_type, found.begin, found.end) == (
        "ptc", "2025-01-15T00:00:00.000", "2025-01-16T00:00:00.000",
    )  # fmt: skip


def test_the_same_again_is_nothing_to_do(butler: Butler) -> None:
    certify(butler, wanted(butler))
    assert certify(butler, wanted(butler)) == 0


def test_another_one_for_the_same_time_is_refused_and_the_first_stays(butler: Butler) -> None:
    certify(butler, wanted(butler))
    other = put(butler, "u/ocps/other")
    with pytest.raises(CertificationError, match="already") as caught:
        certify(butler, wanted(butler, "u/ocps/other", begin=datetime(2025, 1, 15, 12)))
    assert caught.value.lasting == "another ptc is valid in LATISS/calib/daily at some time in the range"
    assert "or certify u/ocps/other/run by hand" in str(caught.value)
    associations = butler.registry.queryDatasetAssociations("ptc", collections=["LATISS/calib/daily"])
    assert other not in {each.ref for each in associations}


def test_ranges_that_touch_do_not_conflict(butler: Butler) -> None:
    certify(butler, wanted(butler))
    assert conflicts(butler, begin=END, end=datetime(2025, 1, 17)) == []
    assert conflicts(butler, dataset_types=("bias",)) == []
    assert conflicts(butler, detectors=(1,)) == []


def test_flats_of_another_filter_do_not_conflict(butler: Butler) -> None:
    """As for the Butler, which finds a flat by its filter."""
    names = [f"SDSS{band}_65mm~empty" for band in "gr"]
    for name in names:
        record = {"instrument": "LATISS", "name": name, "band": name[4]}
        butler.registry.syncDimensionData("physical_filter", record)
    flat = calibration_type(butler, "flat")
    ref = DatasetRef(
        flat,
        butler.registry.expandDataId(instrument="LATISS", detector=0, physical_filter=names[1]),
        run=f"{JOB}/run",
    )
    butler.registry._importDatasets([ref])
    butler.collections.register("LATISS/calib/daily", CollectionType.CALIBRATION)
    butler.registry.certify("LATISS/calib/daily", [ref], certification._timespan(BEGIN, END))
    assert conflicts(butler, dataset_types=("flat",), physical_filter=names[0]) == []
    (found,) = conflicts(butler, dataset_types=("flat",), physical_filter=names[1])
    assert found.physical_filter == names[1]
    assert conflicts(butler, dataset_types=("flat",)) == [found]  # of a filter that is not known


def test_what_this_run_has_certified_before_it_was_interrupted_is_no_conflict(butler: Butler) -> None:
    certify(butler, wanted(butler))
    assert conflicts(butler, own=(f"{JOB}/run",)) == []
    assert len(conflicts(butler, own=("u/ocps/other/run",))) == 1
    assert len(conflicts(butler, own=(f"{JOB}/run",), end=datetime(2025, 1, 17))) == 1


def test_a_detector_without_a_calibration_is_told_and_nothing_is_certified(butler: Butler) -> None:
    with pytest.raises(CertificationError, match=r"\[0, 1\]"):
        certify(butler, wanted(butler, detectors=(0, 1)))
    assert conflicts(butler) == []


PAIR = "u/ocps/pair"


@pytest.fixture
def comcam(butler: Butler) -> Butler:
    """A repository in which another job has left curves of two detectors of LSSTComCam."""
    for detector in (0, 1):
        put(butler, PAIR, instrument="LSSTComCam", detector=detector)
    return butler


def test_of_a_set_all_are_certified(comcam: Butler) -> None:
    assert certify(comcam, wanted(comcam, PAIR, detectors=(0, 1))) == 2
    assert len(conflicts(comcam, instrument="LSSTComCam", detectors=(0,))) == 1
    assert len(conflicts(comcam, instrument="LSSTComCam", detectors=(1,))) == 1


def test_the_same_again_is_nothing_to_do_beside_other_detectors(comcam: Butler) -> None:
    put(comcam, "u/ocps/other", instrument="LSSTComCam", detector=2)
    certify(comcam, wanted(comcam, "u/ocps/other", detectors=(2,)))
    certify(comcam, wanted(comcam, PAIR, detectors=(0, 1)))
    assert certify(comcam, wanted(comcam, PAIR, detectors=(0, 1))) == 0


def test_of_a_set_of_which_one_conflicts_none_is_certified(comcam: Butler) -> None:
    put(comcam, "u/ocps/other", instrument="LSSTComCam", detector=1)
    certify(comcam, wanted(comcam, "u/ocps/other", detectors=(1,)))
    with pytest.raises(CertificationError, match="already"):
        certify(comcam, wanted(comcam, PAIR, detectors=(0, 1)))
    assert conflicts(comcam, instrument="LSSTComCam", detectors=(0,)) == []


def test_a_calibration_of_a_detector_that_was_not_asked_for_is_told(comcam: Butler) -> None:
    with pytest.raises(CertificationError, match=r"for the detectors \[0, 1\]"):
        certify(comcam, wanted(comcam, PAIR, detectors=(0,)))


def test_what_the_butler_did_not_take_is_noticed(butler: Butler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(butler.registry), "certify", lambda *_: None)
    with pytest.raises(CertificationError, match="reads back differently"):
        certify(butler, wanted(butler))


def test_only_a_calibration_collection_will_do(butler: Butler) -> None:
    with pytest.raises(CertificationError, match="RUN"):
        conflicts(butler, collection=f"{JOB}/run")


@pytest.mark.parametrize("kind", [CollectionType.TAGGED, CollectionType.RUN, CollectionType.CHAINED])
def test_a_collection_that_somebody_made_as_another_kind_meanwhile_is_told(
    butler: Butler, kind: CollectionType
) -> None:
    asked = wanted(butler)
    butler.collections.register(asked.collection, kind)
    with pytest.raises(CertificationError, match=f"is a {kind.name} collection; only a") as caught:
        certify(butler, asked)
    assert "are kept in" in caught.value.kept
    assert caught.value.lasting


def test_another_dataset_in_the_place_of_the_accepted_one_is_refused(butler: Butler) -> None:
    made = combined(butler)
    (ref,) = certification._made(butler, "ptc", f"{JOB}/run")
    butler.pruneDatasets([ref], purge=True, unstore=True, disassociate=True)
    put(butler, JOB, gain=9.9)
    for ground in (accepted(made), waived(made)):
        with pytest.raises(CertificationError, match="no longer the one that was made") as caught:
            certify(butler, wanted(butler, ground=ground))
        assert caught.value.lasting == f"the ptc in {JOB} is not the one that was verified"
    assert conflicts(butler) == []


def test_an_acceptance_of_one_type_certifies_no_other(butler: Butler) -> None:
    ground = accepted(combined(butler, name="BIAS"))
    with pytest.raises(CertificationError, match="has a bias for the detectors \\[\\]"):
        certify(butler, wanted(butler, ground=ground))
    assert conflicts(butler) == []


def test_an_acceptance_that_was_changed_or_made_up_is_refused(butler: Butler) -> None:
    put(butler, "u/ocps/other", gain=9.9)
    genuine = (accepted(combined(butler)), waived(combined(butler)))
    grounds: list[Any] = [*map(copy.copy, genuine), *map(object.__new__, (Accepted, Waiver))]
    for ground in grounds:
        object.__setattr__(ground, "combined", combined(butler, "u/ocps/other"))
    for ground in (*grounds, SimpleNamespace(combined=combined(butler))):
        with pytest.raises(CertificationError, match="is none that verification has given"):
            certify(butler, wanted(butler, ground=ground))
    assert conflicts(butler) == []


def test_a_waiver_is_written_down_as_unverified(butler: Butler) -> None:
    assert wanted(butler).verified
    assert not wanted(butler, ground=waived(combined(butler))).verified
