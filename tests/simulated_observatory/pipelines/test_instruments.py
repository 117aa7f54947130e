"""Raw headers of every camera lead to its instrument, detector and filter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler
from lsst.pipe.base import Instrument
from lsst.utils.doImport import doImportType
from lsst.utils.introspection import get_full_type_name

from lsst.ts.calibrations.domain.instruments import LSSTCAM
from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.detector.exposure import ExposureRequest, write_raw, write_segments
from lsst.ts.simulated_observatory.detector.header import primary_header
from lsst.ts.simulated_observatory.pipelines.instruments import (
    INSTRUMENTS,
    CalibrationInstrument,
    instrument_of,
)
from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository
from lsst.ts.simulated_observatory.pipelines.raw_ingest import ingest_raw

COMCAM = {  # of CC_O_20241108_000266_R22_S00
    "INSTRUME": "ComCam",
    "RAFTBAY": "R22",
    "CCDSLOT": "S00",
    "FILTER": "g_01",
    "FILTBAND": "g",
}
LSSTCAM_RAW = {  # of MC_O_20260315_000051_R01_S01
    "INSTRUME": "lsstCam",
    "RAFTBAY": "R01",
    "CCDSLOT": "S01",
    "FILTER": "r_57",
    "FILTBAND": "r",
}


@pytest.mark.parametrize(
    ("header", "instrument", "detector", "physical_filter"),
    [(COMCAM, INSTRUMENTS["LSSTComCam"], 0, "g_01"), (LSSTCAM_RAW, INSTRUMENTS["LSSTCam"], 1, "r_57")],
)
def test_real_headers_are_understood(
    header: dict[str, Any], instrument: type[CalibrationInstrument], detector: int, physical_filter: str
) -> None:
    assert instrument_of(header) is instrument
    assert instrument.detector_and_filter(header) == (detector, physical_filter)


def test_a_detector_that_the_camera_has_not_is_an_error() -> None:
    with pytest.raises(ValueError, match="LSSTCam has no detector R44_SW0"):
        INSTRUMENTS["LSSTCam"].detector_and_filter({"RAFTBAY": "R44", "CCDSLOT": "SW0"})
    with pytest.raises(ValueError, match="INSTRUME is 'HSC'; known are LATISS, ComCam, lsstCam"):
        instrument_of({"INSTRUME": "HSC"})


@pytest.mark.parametrize("name", ["Latiss", "LsstComCam", "LsstCam"])
def test_a_class_is_found_by_the_name_that_repositories_have_recorded(name: str) -> None:
    full_name = f"lsst.ts.simulated_observatory.pipelines.instruments.{name}"
    found = doImportType(full_name)
    assert found in INSTRUMENTS.values()
    assert get_full_type_name(found) == full_name


def test_a_raw_of_an_e2v_detector_is_ingested(tmp_path: Path) -> None:
    create_repository(str(tmp_path / "repo"), ["LSSTCam"])
    butler = Butler.from_config(str(tmp_path / "repo"), writeable=True)
    assert isinstance(Instrument.fromName("LSSTCam", butler.registry), INSTRUMENTS["LSSTCam"])
    known = {each.id: each.full_name for each in butler.query_dimension_records("detector")}
    assert known == dict(LSSTCAM.detectors)
    raw = _raw(tmp_path)
    (ref,) = ingest_raw(butler, str(raw))
    assert (ref.dataId["detector"], ref.dataId["exposure"]) == (94, 2025011500007)
    record = butler.registry.expandDataId(ref.dataId)
    assert record["physical_filter"] == "r_57"
    assert record["band"] == "r"
    image = butler.get(ref)
    assert image.shape == (2 * (2002 // 16), 8 * (512 // 16))


def _raw(folder: Path) -> Path:
    segments = folder / "x.segments"
    write_segments(
        ExposureRequest(
            instrument="LSSTCam",
            detector=94,
            scale=16,
            seed=1,
            exposure_id=2025011500007,
            exposure_time=0.0,
            dark_time=0.24,
            shutter_open=False,
            physical_filter="r_57",
            faults=(),
            path=str(segments),
        )
    )
    header = primary_header(
        model=detector_model("LSSTCam", 94, 16),
        image_name="MC_O_20250115_000007",
        image_type="BIAS",
        exposure_time=0.0,
        dark_time=0.24,
        begin_tai=1736964000.0,
        end_tai=1736964000.25,
        keywords={"FILTER": "r_57", "FILTBAND": "r"},
    )
    write_raw(folder / "x.fits", header, segments)
    return folder / "x.fits"
