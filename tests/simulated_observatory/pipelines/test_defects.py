# mypy: allow-untyped-calls
# The constructors of lsst.pex.config have no annotations.

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from lsst.pipe.base import NoWorkFound

from lsst.ts.simulated_observatory.pipelines.flatnorm import FlatLevelConfig, FlatLevelTask
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage, MaskPlane
from lsst.ts.simulated_observatory.pipelines.measuredefects import (
    MeasureDefectsConfig,
    MeasureDefectsTask,
    MergeDefectsConfig,
    MergeDefectsTask,
    UnusableImagesError,
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


@pytest.mark.parametrize(
    ("kind", "level", "time", "reason"),
    [("flat", 0.0, 5.0, "2: it has no light: "), ("dark", 0.0, 0.0, "2: its dark time is 0 s")],
)
def test_the_task_fails_if_no_image_is_left(
    rng: np.random.Generator, stored: Store, kind: str, level: float, time: float, reason: str
) -> None:
    images = [stored(rng.normal(level, 9.0, (50, 80)), number, time) for number in (1, 2)]
    with pytest.raises(UnusableImagesError, match=f"no {kind} can show defects: 1: .*; {reason}"):
        defects_of(kind, images)


def source(image_type: str, mask: np.ndarray, **metadata: object) -> Defects:
    values = {"imageType": image_type, "exposures": [1], "amplifiers": {}, "limits": {}}
    values |= {"LEFT OUT EXPOSURES": [], "LEFT OUT REASONS": []}
    return Defects.from_mask("RXX_S00", mask, values | metadata)


def test_merged_defects_have_an_edge() -> None:
    hot, cold = np.zeros((2, 50, 60), bool)
    hot[20, 20] = cold[30, 30] = True
    sources = {"darkDefects": source("dark", hot), "flatDefects": source("flat", cold)}
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


def test_a_broken_amplifier_is_one_defect_of_those_that_are_merged() -> None:
    hot, cold = np.zeros((2, 50, 60), bool)
    hot[:, 30:60] = True
    cold[20, 29] = True
    broken = {"C11": {"reason": "glowing: 12 electron/s", "box": [30, 0, 30, 50]}}
    left_out = {"LEFT OUT EXPOSURES": [7], "LEFT OUT REASONS": ["it has no light: 0.3 electron"]}
    merged = (
        MergeDefectsTask(config=MergeDefectsConfig())
        .run(
            darkDefects=source("dark", hot, amplifiers=broken),
            flatDefects=source("flat", cold, **left_out),
        )
        .defects
    )
    assert merged.boxes[0] == (30, 0, 30, 50)
    assert merged.metadata["amplifiers"] == {"C11": "glowing: 12 electron/s"}
    assert merged.metadata.items() >= left_out.items()
    edges = np.zeros_like(hot)
    edges[:5] = edges[-5:] = edges[:, :5] = edges[:, -5:] = True
    np.testing.assert_array_equal(merged.mask, hot | cold | edges)


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
