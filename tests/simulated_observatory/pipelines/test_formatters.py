from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml
from astropy.io import fits
from astropy.table import Table
from lsst.daf.butler import Butler, DatasetType

from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.new_repository import calibration_type
from lsst.ts.simulated_observatory.pipelines.storage_classes import IMAGE, RESULTS, STATISTICS
from lsst.ts.simulated_observatory.pipelines.tables import Defects

DATA_ID = {"instrument": "LATISS", "detector": 0}


@pytest.fixture
def butler(new_repository: Path) -> Iterator[Butler]:
    with Butler.from_config(str(new_repository), run="test", writeable=True) as butler:
        yield butler


@pytest.fixture
def stored(butler: Butler, image_of: Callable[..., DetectorImage]) -> DetectorImage:
    image = image_of(
        np.arange(60.0).reshape(6, 10),
        **{
            "INSTRUME": "LATISS",
            "EXPTIME": 5.0,
            "GROUPID": None,
            "LSST ISR UNITS": "electron",
            "LSST ISR GAIN C10": math.nan,
            "SIMULATE ATCAMERA": 1,
            "INPUT EXPOSURES": [2025011500001, 2025011500002],
        },
    )
    image.mask[2, 3] = MaskPlane.BAD | MaskPlane.VIGNETTED
    butler.put(image, calibration_type(butler, "bias"), DATA_ID)
    return image


def test_image_comes_back_as_it_was(butler: Butler, stored: DetectorImage) -> None:
    read = butler.get("bias", DATA_ID)
    np.testing.assert_array_equal(read.getImage().getArray(), stored.image)
    np.testing.assert_array_equal(read.getMask().getArray(), stored.mask)
    assert read.amplifiers == stored.amplifiers
    assert read.image.dtype == np.float32
    assert read.image.dtype.isnative
    assert read.getMetadata() == stored.metadata | {"LSST ISR GAIN C10": None}


def test_some_rows_can_be_read(butler: Butler, stored: DetectorImage) -> None:
    part = butler.get("bias", DATA_ID, parameters={"rows": (2, 5)})
    np.testing.assert_array_equal(part.image, stored.image[2:5])
    np.testing.assert_array_equal(part.mask, stored.mask[2:5])


def test_other_tools_can_read_the_file(butler: Butler, stored: DetectorImage) -> None:
    path = butler.getURI("bias", DATA_ID).ospath
    with fits.open(path) as hdus:
        assert hdus["IMAGE"].data[5, 9] == 59.0
        assert hdus["IMAGE"].header["BUNIT"] == "electron"
        assert hdus["MASK"].data.dtype == np.uint8
        assert hdus[0].header["INSTRUME"] == "LATISS"
        assert hdus[0].header["SIMULATE ATCAMERA"] == 1


def test_defects_come_back_as_they_were(butler: Butler) -> None:
    mask = np.zeros((20, 30), bool)
    mask[3:5, 7] = True
    butler.put(Defects.from_mask("RXX_S00", mask), calibration_type(butler, "defects"), DATA_ID)
    np.testing.assert_array_equal(butler.get("defects", DATA_ID).mask, mask)


def test_storage_class_is_that_of_the_repository(butler: Butler) -> None:
    kind = DatasetType("x", ("instrument", "detector"), IMAGE, universe=butler.dimensions)
    assert kind.storageClass.pytype is DetectorImage


def test_statistics_are_the_yaml_that_any_butler_reads(butler: Butler) -> None:
    statistics = {
        "AMP": {
            "C10": {
                "MEAN": math.nan,
                "NOISE": 1e-7,
                "unit": None,
                "words": "\N{GREEK SMALL LETTER SIGMA}: 'x'",
            }
        },
        2025011500001: [True, 1.0e20, -math.inf],
    }
    kind = DatasetType("statistics", ("instrument", "detector"), STATISTICS, universe=butler.dimensions)
    butler.registry.registerDatasetType(kind)
    butler.put(statistics, kind, DATA_ID)
    assert str(butler.get(kind, DATA_ID)) == str(statistics)
    text = Path(butler.getURI(kind, DATA_ID).ospath).read_bytes()
    assert text == yaml.safe_dump(statistics, sort_keys=False).encode()


def test_table_of_results_is_read_as_it_was_without_pandas(
    butler: Butler, caplog: pytest.LogCaptureFixture
) -> None:
    table = Table({"amplifier": ["C00", "C10"], "NOISE": np.ma.array([5.0, 0.0], mask=[False, True])})
    table["NOISE"].unit = "electron"
    dataset_type = DatasetType("verifyBiasResults", ("instrument",), RESULTS, universe=butler.dimensions)
    butler.registry.registerDatasetType(dataset_type)
    butler.put(table, dataset_type, instrument="LATISS")
    read = butler.get("verifyBiasResults", instrument="LATISS")
    assert list(read["amplifier"]) == ["C00", "C10"]
    assert read["NOISE"].mask.tolist() == [False, True]
    assert read["NOISE"].unit == "electron"
    assert butler.get("verifyBiasResults.columns", instrument="LATISS") == ["amplifier", "NOISE"]
    assert butler.get("verifyBiasResults.rowcount", instrument="LATISS") == 2
    assert butler.get("verifyBiasResults.schema", instrument="LATISS").schema["NOISE"].dtype == np.float64
    assert "pandas" not in caplog.text
