"""What is drawn of a detector stays: after an interruption, and for other sets of detectors."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts.calibrations.domain.instruments import LSSTCOMCAM
from lsst.ts.simulated_observatory.components.optics import usual_optics
from lsst.ts.simulated_observatory.repository import reference_drawing
from lsst.ts.simulated_observatory.repository.reference import ReferenceRequest
from lsst.ts.simulated_observatory.repository.reference_drawing import _draw, _load, draw_reference


def request(*detectors: int) -> ReferenceRequest:
    return ReferenceRequest(LSSTCOMCAM, detectors, 16, 1, usual_optics(LSSTCOMCAM))


@pytest.fixture(autouse=True)
def _no_pixels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TS_CALIBRATIONS_CACHE", str(tmp_path))
    monkeypatch.setattr(
        reference_drawing, "measure_pair", lambda _request, detector, number: (detector, number)
    )
    monkeypatch.setattr(reference_drawing, "draw_calibrations", _drawn)


def _drawn(_request: ReferenceRequest, detector: int, pairs: list[Any]) -> SimpleNamespace:
    assert pairs == [(detector, number) for number in range(36)]
    return SimpleNamespace(level={"detector": detector})


def draw(tmp_path: Path, detectors: range, interrupted: int = 10**6) -> list[float]:
    """Draw into files of a folder; return the shares that were told."""
    told: list[float] = []

    def check() -> None:
        if len(told) == interrupted:
            raise KeyboardInterrupt

    parts = {each: tmp_path / f"{each}.pickle" for each in detectors}
    with ThreadPoolExecutor(1) as workers:
        _draw(request(*detectors), parts, workers, lambda _: None, check, told.append)
    return told


def test_each_detector_has_its_file_and_the_share_that_is_done_grows_to_all(tmp_path: Path) -> None:
    told = draw(tmp_path, range(4))
    assert told == sorted(told)
    assert told[-1] == 1.0
    for detector in range(4):
        level, drawn = _load(tmp_path / f"{detector}.pickle")
        assert level == drawn.level == {"detector": detector}


def test_an_interruption_leaves_whole_detectors(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        draw(tmp_path, range(4), interrupted=3 * 36)
    kept = sorted(each.name for each in tmp_path.iterdir())
    assert kept[:1] == ["0.pickle"], "the first was drawn while others were measured"
    for name in kept:
        assert len(list(_load(tmp_path / name))) == 2


def test_only_detectors_that_are_not_there_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Drawn(Exception):
        pass

    def stop(_request: ReferenceRequest, missing: dict[int, Path], *_: object) -> None:
        raise Drawn(list(missing))

    monkeypatch.setattr(reference_drawing, "_draw", stop)
    said: list[str] = []
    for wanted, missing in (((0, 1, 2, 5), [1, 2, 5]), ((5, 0, 3), [5, 3]), ((0, 1), [0, 1])):
        there = request(*wanted).part(0, 202)  # of so many exposures, as all sets of more than two have
        there.parent.mkdir(exist_ok=True)
        there.touch()
        with pytest.raises(Drawn) as found:
            draw_reference(request(*wanted), tmp_path, said.append, lambda: None)
        assert found.value.args == (missing,)
    assert said[0].startswith("Drawing the reference calibrations of 3 of 4 detectors")
