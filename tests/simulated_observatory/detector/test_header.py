"""Primary header of a raw file."""

from __future__ import annotations

from typing import Any

import pytest

from lsst.ts.simulated_observatory.cameras.models import DetectorModel
from lsst.ts.simulated_observatory.detector.header import primary_header

REAL = """
CCD_MANU CCD_TYPE BINX BINY CCDGAIN CCDNOISE CCDSLOT RAFTBAY FIRMWARE PLATFORM CONTNUM DAQVERS DAQPART
DAQFOLD SEQFILE SEQNAME SEQCKSUM LSST_NUM CCD_SERN REBNAME RAFTNAME FPVERS IHVERS FILTPOS CCDTEMP
COMMENT DATE MJD IMGTYPE DATE-OBS MJD-OBS DATE-TRG MJD-TRG OBSID DATE-BEG MJD-BEG DATE-END MJD-END
GROUPID BUNIT TIMESYS INSTRUME TELESCOP OBS-LONG OBS-LAT OBS-ELEV OBSGEO-X OBSGEO-Y OBSGEO-Z FACILITY RA
DEC ROTPA TESTTYPE CAMCODE CONTRLLR DAYOBS SEQNUM PROGRAM REASON CURINDEX MAXINDEX TSTAND IMAGETAG
OBSANNOT TEMP_SET GRATING GRATBAND GRATSLOT LINSPOS FILTBAND FILTER FILTSLOT EXPTIME DARKTIME SHUTTIME
FILENAME HEADVER AIRTEMP DOMEAZ OBJECT
"""


@pytest.fixture
def header(model: DetectorModel) -> dict[str, Any]:
    return primary_header(
        model=model,
        image_name="AT_O_20250115_000007",
        image_type="DARK",
        exposure_time=30.0,
        dark_time=30.24,
        begin_tai=1736964000.0,
        end_tai=1736964030.25,
        keywords={"REASON": "daily"},
    )


def test_header_has_the_keywords_of_a_real_raw(header: dict[str, Any]) -> None:
    assert {*REAL.split(), "STUTTER ROWS", "SIMULATE ATMCS", "SIMULATE ATSPECTROGRAPH"} <= set(header)


def test_times_are_tai_in_iso_format_and_as_mjd(header: dict[str, Any]) -> None:
    assert header["TIMESYS"] == "TAI"
    assert header["DATE-BEG"] == header["DATE-OBS"] == "2025-01-15T18:00:00.000"
    assert header["DATE-END"] == header["DATE-TRG"] == "2025-01-15T18:00:30.250"
    assert header["MJD-BEG"] == 60690.75
    assert header["MJD-END"] == pytest.approx(60690.75 + 30.25 / 86400, abs=1e-9)


def test_identity_is_that_of_the_image(header: dict[str, Any]) -> None:
    assert header["OBSID"] == "AT_O_20250115_000007"
    assert header["DAYOBS"] == "20250115"
    assert header["SEQNUM"] == 7
    assert header["FILENAME"] == "AT_O_20250115_000007_R00_S00.fits"
    assert header["TESTTYPE"] == header["IMGTYPE"] == "DARK"
    assert header["REASON"] == "daily"
    assert header["LSST_NUM"] == "ITL-3800C-068"


def test_shutter_stays_closed_for_a_dark(header: dict[str, Any]) -> None:
    assert (header["EXPTIME"], header["DARKTIME"], header["SHUTTIME"]) == (30.0, 30.24, 0.0)


def test_simulated_data_say_so(header: dict[str, Any]) -> None:
    marks = [value for key, value in header.items() if key.startswith("SIMULATE")]
    assert any(marks)
    assert "imulated" in str(header["COMMENT"])
