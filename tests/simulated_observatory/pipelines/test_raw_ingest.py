from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from astropy.io import fits
from lsst.daf.butler import Butler
from lsst.pipe.base import Instrument

from lsst.ts.simulated_observatory.pipelines.instruments import INSTRUMENTS
from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository
from lsst.ts.simulated_observatory.pipelines.raw_ingest import IngestError, ingest_raw

LATISS = INSTRUMENTS["LATISS"]


@pytest.fixture
def butler(new_repository: Path) -> Iterator[Butler]:
    with Butler.from_config(str(new_repository), writeable=True) as butler:
        yield butler


def test_exposure_is_described_by_its_header(butler: Butler, bias_file: Path) -> None:
    (ref,) = ingest_raw(butler, str(bias_file))
    assert ref.run == "LATISS/raw/all"
    (record,) = butler.query_dimension_records("exposure", instrument="LATISS")
    assert record.id == 2025011500001
    assert record.obs_id == "AT_O_20250115_000001"
    assert (record.day_obs, record.seq_num) == (20250115, 1)
    assert record.observation_type == "bias"
    assert record.physical_filter == "SDSSr_65mm~empty"
    assert record.exposure_time == 0.0
    assert record.has_simulated
    assert record.timespan.begin.scale == "tai"
    raw = butler.get("raw", instrument="LATISS", detector=0, exposure=record.id, collections="LATISS/raw/all")
    assert len(raw.amplifiers) == 16
    assert butler.getURI(ref).ospath == str(bias_file)


def test_ingesting_twice_changes_nothing(butler: Butler, bias_file: Path) -> None:
    assert ingest_raw(butler, str(bias_file)) == ingest_raw(butler, str(bias_file))
    assert len(butler.query_datasets("raw", collections="LATISS/raw/all")) == 1


def test_unreadable_file_is_an_error_that_names_it(butler: Butler, tmp_path: Path) -> None:
    torn = tmp_path / "AT_O_20250115_000009_R00_S00.fits"
    torn.write_bytes(b"SIMPLE  =                    T")
    with pytest.raises(IngestError, match=r"AT_O_20250115_000009_R00_S00\.fits was not ingested"):
        ingest_raw(butler, str(torn))
    with pytest.raises(IngestError, match="cannot be read"):
        ingest_raw(butler, str(tmp_path / "absent.fits"))


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("OBSID", None, "has no 'OBSID'"),
        ("INSTRUME", "HSC", "INSTRUME is 'HSC'; known are LATISS, ComCam, lsstCam"),
        ("OBSID", "AT_O_20250115", "not an image name"),
        ("DATE-BEG", "yesterday", "isot"),
    ],
)
def test_header_that_lacks_something_is_an_error(
    butler: Butler, bias_file: Path, tmp_path: Path, key: str, value: str | None, reason: str
) -> None:
    path = tmp_path / "copy.fits"
    shutil.copy(bias_file, path)
    with fits.open(path, mode="update") as hdus:
        if value is None:
            del hdus[0].header[key]
        else:
            hdus[0].header[key] = value
    with pytest.raises(IngestError, match=reason):
        ingest_raw(butler, str(path))
    assert not butler.query_dimension_records("exposure", instrument="LATISS", explain=False)


def test_another_image_of_the_same_name_is_refused(butler: Butler, bias_file: Path, tmp_path: Path) -> None:
    ingest_raw(butler, str(bias_file))
    butler.pruneDatasets(
        butler.query_datasets("raw", collections="LATISS/raw/all"),
        disassociate=True,
        unstore=True,
        purge=True,
    )
    other = tmp_path / "other.fits"
    shutil.copy(bias_file, other)
    fits.setval(other, "IMGTYPE", value="DARK")
    with pytest.raises(IngestError, match="the repository refused it"):
        ingest_raw(butler, str(other))


def test_numbers_of_empty_places_are_left_out() -> None:
    for names in (
        ("SDSSr_65mm", "empty_1", "SDSSr_65mm~empty"),
        ("empty_1", "SDSSy_65mm", "empty~SDSSy_65mm"),
    ):
        header = {"FILTER": names[0], "GRATING": names[1]}
        assert LATISS.detector_and_filter(header) == (0, names[2])
    assert LATISS.detector_and_filter({"FILTER": None}) == (0, "unknown~unknown")


def test_real_image_is_not_simulated(butler: Butler, tmp_path: Path) -> None:
    header = {
        "INSTRUME": "LATISS",
        "OBSID": "AT_O_20240624_000106",
        "DAYOBS": "20240624",
        "SEQNUM": 106,
        "IMGTYPE": "FLAT",
        "EXPTIME": 30.0,
        "DATE-BEG": "2024-06-25T01:27:55.160",
        "DATE-END": "2024-06-25T01:28:25.400",
        "HIERARCH SIMULATE ATMCS": None,
        "HIERARCH SIMULATE ATDOME": 0,
    }
    fits.PrimaryHDU(header=fits.Header(header)).writeto(tmp_path / "real.fits")
    ingest_raw(butler, str(tmp_path / "real.fits"))
    (record,) = butler.query_dimension_records("exposure", instrument="LATISS")
    assert not record.has_simulated
    assert record.group == "AT_O_20240624_000106"
    assert record.dark_time == 30.0


def test_instrument_is_known_by_its_class(butler: Butler) -> None:
    assert isinstance(Instrument.fromName("LATISS", butler.registry), LATISS)
    (record,) = butler.query_dimension_records("detector", instrument="LATISS")
    assert (record.full_name, record.raft, record.name_in_raft) == ("RXX_S00", "RXX", "S00")


def test_directory_name_with_a_dot_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="choose a directory name without a dot"):
        create_repository(str(tmp_path / "repo.2025"))
    with pytest.raises(ValueError, match="unknown instruments HSC; known are LATISS"):
        create_repository(str(tmp_path / "repo"), ["HSC"])
    assert not list(tmp_path.iterdir())
