"""Calibrations that declare amplifiers bad, of this project and as the LSST Science Pipelines have them."""

from __future__ import annotations

import math
from functools import partial
from types import SimpleNamespace
from typing import Any

import pytest
from lsst.daf.butler import Butler, CollectionType

from lsst.ts.calibrations.butler import certification
from lsst.ts.calibrations.butler.declared_bad import DeclaredBad, declared_bad
from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, LATISS, LSSTCAM, Instrument
from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.pipelines.tables import Defects, PhotonTransferCurve

from .certified import BEGIN, END, expose, put


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


REFERENCE, DAILY = "LATISS/calib/old", "LATISS/calib/daily"


def certify(butler: Butler, job: str, collection: str, *, dead: bool, end: Any = END) -> None:
    """Certify a curve in which C00 has a gain or none."""
    ref = put(butler, job, gain=math.nan if dead else 1.1)
    butler.collections.register(collection, CollectionType.CALIBRATION)
    butler.registry.certify(collection, [ref], certification._timespan(BEGIN, end))


def declared(butler: Butler, *collections: str, own: tuple[str, ...] = ()) -> list[str]:
    repository: Any = SimpleNamespace(open=lambda: butler, read=butler.get)
    exposure = expose(butler, BEGIN)
    return [str(each) for each in DeclaredBad(repository, LATISS)._find(collections, exposure, (0,), own)]


@pytest.mark.parametrize("dead", [True, False])
def test_of_two_curves_the_one_that_is_found_first_declares(butler: Butler, dead: bool) -> None:
    certify(butler, "u/ocps/old", REFERENCE, dead=not dead)
    certify(butler, "u/ocps/new", DAILY, dead=dead)
    bad = ["RXX_S00 C00"]
    assert declared(butler, DAILY, REFERENCE) == (bad if dead else [])
    assert declared(butler, REFERENCE, DAILY) == ([] if dead else bad)


@pytest.mark.parametrize("dead", [True, False])
def test_what_the_run_has_made_gives_way_to_what_was_there_before(butler: Butler, dead: bool) -> None:
    """Its own curve decides nothing about itself, and hides none in which the amplifier is known as dead."""
    certify(butler, "u/ocps/old", REFERENCE, dead=dead)
    certify(butler, "u/ocps/new", DAILY, dead=not dead)
    butler.collections.register("LATISS/calib", CollectionType.CHAINED)
    butler.collections.redefine_chain("LATISS/calib", [DAILY, REFERENCE])
    for collections in ([DAILY, REFERENCE], ["LATISS/calib"], ["u/ocps/new/run", "LATISS/calib"]):
        found = declared(butler, *collections, own=("u/ocps/new/run",))
        assert found == (["RXX_S00 C00"] if dead else []), collections
    assert declared(butler, DAILY, own=("u/ocps/new/run",)) == []
