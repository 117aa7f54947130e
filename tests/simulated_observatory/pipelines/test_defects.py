# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lsst.pipe.base import NoWorkFound

from lsst.ts.simulated_observatory.pipelines.combine import (
    FlatLevelConfig,
    FlatLevelTask,
)
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.measuredefects import (
    MeasureDefectsConfig,
    MeasureDefectsTask,
    MergeDefectsConfig,
    MergeDefectsTask,
)
from lsst.ts.simulated_observatory.pipelines.tables import Defects

ImageMaker = Callable[..., DetectorImage]
Store = Callable[..., Any]


def defects_of(image_type: str, images: list[Any]) -> Defects:
    config = MeasureDefectsConfig()
    config.imageType = image_type
    return MeasureDefectsTask(config=config).run(images).outputDefects


def test_hot_pixels_are_found_in_darks_of_any_time(rng: np.random.Generator, stored: Store) -> None:
    rate = np.full((100, 80), 0.02)
    rate[20, 30], rate[50, 60] = 4.0, 2.0
    times = (0.5, 15.0, 30.0, 30.0)
    images = [
        stored(rate * time + rng.normal(0.0, 9.0, rate.shape), number, time)
        for number, time in enumerate(times)
    ]
    images[1].image.image[70, 10] += 20_000.0  # a cosmic ray
    images[1].image.mask[70, 10] = 8
    found = defects_of("dark", images)
    assert np.argwhere(found.mask).tolist() == [[20, 30]]
    assert found.metadata["exposures"] == [0, 1, 2, 3]


def test_cold_pixels_and_columns_are_found_in_flats(rng: np.random.Generator, stored: Store) -> None:
    response = np.ones((100, 80))
    response[30, 40], response[31, 40] = 0.85, 0.95
    response[40:80:2, 7] = 0.5
    images = [
        stored(rng.poisson(3000.0 * time * response), number, time)
        for number, time in enumerate((5.0, 5.0, 10.0))
    ]
    mask = defects_of("flat", images).mask
    assert mask[30, 40]
    assert not mask[31, 40]
    assert mask[40:79, 7].all()
    assert np.count_nonzero(mask) == 1 + 39


def test_flats_without_light_tell_nothing(stored: Store) -> None:
    with pytest.raises(NoWorkFound):
        defects_of("flat", [stored(np.zeros((10, 20)), 1, 5.0)])


def test_merged_defects_have_an_edge() -> None:
    hot, cold = np.zeros((2, 50, 60), bool)
    hot[20, 20] = cold[30, 30] = True
    sources = {
        "darkDefects": Defects.from_mask("RXX_S00", hot, {"imageType": "dark", "exposures": [1]}),
        "flatDefects": Defects.from_mask("RXX_S00", cold, {"imageType": "flat", "exposures": [2]}),
    }
    merge = MergeDefectsTask(config=MergeDefectsConfig())
    mask = merge.run(**sources).defects.mask
    assert mask[20, 20]
    assert mask[30, 30]
    assert mask[4, 30]
    assert mask[45, 30]
    assert np.count_nonzero(mask) == 2 + 50 * 60 - 40 * 50
    only = merge.run(darkDefects=sources["darkDefects"]).defects
    assert only.metadata["exposures"] == {"dark": [1]}
    with pytest.raises(NoWorkFound):
        merge.run()


def test_level_of_a_flat_can_leave_out_vignetted_pixels(image_of: ImageMaker) -> None:
    array = np.full((50, 100), 10_000.0)
    array[:, :20] = 2_000.0
    config = FlatLevelConfig()
    config.clip = 10.0
    image = image_of(array, EXPOSURE=7)
    assert FlatLevelTask(config=config).run(image).level["MEAN"] == pytest.approx(8_400.0)
    config.doVignette = True
    assert FlatLevelTask(config=config).run(image).level == {
        "EXPOSURE": 7,
        "MEAN": 10_000.0,
        "SIGMA": 0.0,
        "NPIXELS": 4000,
    }


def test_a_saturated_flat_has_no_level(image_of: ImageMaker) -> None:
    image = image_of(np.full((50, 100), 90_000.0), EXPOSURE=7)
    image.mask[:24] |= np.uint16(MaskPlane.SAT)
    assert FlatLevelTask(config=FlatLevelConfig()).run(image).level["NPIXELS"] == 2600
    image.mask[:26] |= np.uint16(MaskPlane.SAT)
    level = FlatLevelTask(config=FlatLevelConfig()).run(image).level
    assert level["MEAN"] is None
    assert level["REASON"] == "2400 usable pixels of 5000, 2600 are saturated"
