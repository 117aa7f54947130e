"""Calibrations that declare amplifiers bad, of this project and as the LSST Science Pipelines have them."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibrations.butler.declared_bad import declared_bad
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, LATISS, LSSTCAM, Instrument
from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.pipelines.tables import Defects, PhotonTransferCurve


def test_an_amplifier_without_a_gain_is_declared_bad() -> None:
    gains = dict.fromkeys(AMPLIFIERS, 1.1) | {"C05": math.nan, "C17": math.inf}
    curve = PhotonTransferCurve("RXX_S00", gains)
    assert declared_bad("ptc", curve, AMPLIFIERS, (1, 1)) == ["C05", "C17"]


@pytest.mark.parametrize("name", ["C00", "C05", "C10", "C17"])
@pytest.mark.parametrize("instrument", [LATISS, LSSTCAM])
def test_an_amplifier_that_is_masked_as_a_whole_is_declared_bad(name: str, instrument: Instrument) -> None:
    model = detector_model(instrument.name, 0, 16)
    place = model.amplifier(name)
    shape = (2 * place.height, 8 * place.width)
    left, right = place.width // 2, place.width - place.width // 2
    boxes = [(place.x0, place.y0, left, place.height), (place.x0 + left, place.y0, right, place.height)]
    assert declared_bad("defects", Defects("RXX_S00", shape, boxes), AMPLIFIERS, (1, 1)) == [name]
    x0, y0, width, height = boxes.pop()
    boxes.append((x0, y0, width, height - 1))
    assert declared_bad("defects", Defects("RXX_S00", shape, boxes), AMPLIFIERS, (1, 1)) == []


def box(x0: int, y0: int, width: int, height: int) -> Any:
    """A defect as the Science Pipelines have it."""
    values = {"BeginX": x0, "BeginY": y0, "Width": width, "Height": height}
    found = SimpleNamespace(**{f"get{name}": partial(int, value) for name, value in values.items()})
    return SimpleNamespace(getBBox=lambda: found)


@pytest.mark.parametrize(("detector", "width", "height"), [(0, 509, 2000), (94, 512, 2002)])
def test_defects_of_the_science_pipelines_do_not_say_how_large_the_detector_is(
    detector: int, width: int, height: int
) -> None:
    size = LSSTCAM.detector_size(detector)
    assert size == (8 * width, 2 * height)
    whole = box(7 * width, height, width, height)
    assert declared_bad("defects", [whole], AMPLIFIERS, size) == ["C17"]
    parts = [box(7 * width, height, width - 1, height), box(0, 0, 99, 99)]
    assert declared_bad("defects", parts, AMPLIFIERS, size) == []
