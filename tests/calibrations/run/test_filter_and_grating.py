"""Filter, grating and reference flat: looked at before anything moves, and again if it came otherwise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from lsst.ts.calibrations.config.config import CalibrationConfig
from lsst.ts.calibrations.domain.errors import AcquisitionError, ArchiveError
from lsst.ts.calibrations.domain.instruments import physical_filter
from lsst.ts.calibrations.domain.optics import MountedOptics
from lsst.ts.calibrations.run.filter_and_grating import FilterAndGrating, References
from lsst.ts.calibrations.workflow.workflow import make_workflow

RED, GREEN = "SDSSr_65mm~empty", "SDSSg_65mm~empty"


@dataclass
class FakeSpectrograph:
    """A camera whose spectrograph says, and does, what the story tells."""

    present: tuple[str, str | None] | None = ("SDSSr_65mm", "empty_1")
    mounted_optics: MountedOptics | None = field(
        default_factory=lambda: MountedOptics("ATSpectrograph", ("SDSSg_65mm", "SDSSr_65mm"), ("empty_1",))
    )
    jams: bool = False
    moved: list[Any] = field(default_factory=list)

    async def mounted(self) -> MountedOptics | None:
        return self.mounted_optics

    async def find_filter(self, filter_: Any = None, grating: Any = None) -> str | None:
        if self.present is None or self.mounted_optics is None:
            return None
        names = self.mounted_optics.set_up(self.present, filter_, grating)
        return None if names is None else physical_filter(*names)

    async def setup(self, filter_: Any, grating: Any) -> None:
        self.moved.append((filter_, grating))
        if filter_ is not None and self.present is not None and not self.jams:
            self.present = (filter_, self.present[1])


@dataclass
class FakeCalibrations:
    """A Butler with some flats."""

    flats: Sequence[str] = (RED,)
    missing: Sequence[str] = ()
    broken: bool = False
    asked: list[Any] = field(default_factory=list)

    async def missing_collections(self, names: Sequence[str]) -> list[str]:
        if self.broken:
            raise ArchiveError("cannot be opened")
        return list(self.missing)

    async def combined(self, name: str, collections: Sequence[str], time: float) -> set[Any]:
        self.asked.append((name, collections, time))
        return {(0, each) for each in self.flats} if name == "flat" else set()


def references_of(config: CalibrationConfig, archive: FakeCalibrations, now: float) -> References:
    butler: Any = archive
    return References(make_workflow(config).references, config.detectors, butler, lambda: now)


@pytest.fixture
def make(config: Callable[..., Any]) -> Callable[..., FilterAndGrating]:
    def filter_and_grating(
        camera: FakeSpectrograph, archive: FakeCalibrations, **options: Any
    ) -> FilterAndGrating:
        made = config(**options)
        references = references_of(made, archive, 1000.0)
        log = logging.getLogger("run")
        return FilterAndGrating(made.filter, made.grating, camera, references, log)  # type: ignore[arg-type]

    return filter_and_grating


def problems(light_path: FilterAndGrating) -> list[str]:
    return asyncio.run(light_path.problems())


def test_before_anything_moves_the_flat_of_the_named_filter_is_looked_for(make: Any) -> None:
    camera, archive = FakeSpectrograph(), FakeCalibrations()
    (problem,) = problems(make(camera, archive, filter="SDSSg_65mm", input_collections_verify_flat="a, b"))
    assert problem == (
        f"input_collections_verify_flat: a, b has no combined flat of {GREEN} that is valid now for detector"
        f" 0 to verify against; there are flats of {RED}, the nearest is {RED}: see filter and grating"
    )
    assert camera.moved == []
    assert archive.asked == [("flat", ("a", "b"), 1000.0)]


def test_collections_without_any_flat_are_told_so(make: Any) -> None:
    (problem,) = problems(make(FakeSpectrograph(), FakeCalibrations(flats=())))
    assert problem.endswith("to verify against; there is no flat at all")


def test_what_is_in_the_light_path_already_is_looked_for_when_nothing_is_named(make: Any) -> None:
    assert problems(make(FakeSpectrograph(), FakeCalibrations())) == []
    (problem,) = problems(make(FakeSpectrograph(present=("SDSSg_65mm", "empty_1")), FakeCalibrations()))
    assert GREEN in problem


def test_a_filter_that_is_not_mounted_has_no_flat_to_look_for(make: Any) -> None:
    archive = FakeCalibrations()
    (problem,) = problems(make(FakeSpectrograph(), archive, filter="SDSSx_65mm"))
    assert problem.startswith("filter: 'SDSSx_65mm' is not in ATSpectrograph")
    assert archive.asked == []


@pytest.mark.parametrize(
    "options",
    [
        {"generate_calibrations": True, "certify_calib_begin_date": "2025-01-01"},
        {"do_verify": False},
        {"script_mode": "BIAS_DARK"},
    ],
)
def test_no_flat_is_needed_where_none_is_verified_against_it(make: Any, options: Any) -> None:
    archive = FakeCalibrations(flats=())
    assert problems(make(FakeSpectrograph(), archive, filter="SDSSg_65mm", **options)) == []
    assert archive.asked == []


def test_a_collection_that_is_not_there_is_told_by_others(make: Any) -> None:
    assert problems(make(FakeSpectrograph(), FakeCalibrations(flats=(), missing=["LATISS/calib"]))) == []


def test_a_repository_that_cannot_be_asked_is_told_though_others_may_have_had_an_answer(make: Any) -> None:
    told = problems(make(FakeSpectrograph(), FakeCalibrations(flats=(), broken=True)))
    assert told == ["cannot be opened"]


def test_what_is_not_published_is_not_held_against_the_run(
    make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    camera = FakeSpectrograph(mounted_optics=None)
    assert problems(make(camera, FakeCalibrations(flats=()), filter="SDSSg_65mm")) == []
    assert "not published: not checked" in caplog.text


def test_a_wheel_that_stopped_elsewhere_is_noticed_after_it_was_set_up(make: Any) -> None:
    camera = FakeSpectrograph(jams=True)
    light_path = make(camera, FakeCalibrations(flats=[GREEN]), filter="SDSSg_65mm")
    assert problems(light_path) == []
    with pytest.raises(AcquisitionError, match=f"no combined flat of {RED}.*Nothing was exposed"):
        asyncio.run(light_path.set_up())
    assert camera.moved == [("SDSSg_65mm", None)]


def test_what_came_as_expected_is_not_looked_for_twice(make: Any) -> None:
    archive = FakeCalibrations(flats=[GREEN])
    light_path = make(FakeSpectrograph(), archive, filter="SDSSg_65mm")
    assert problems(light_path) == []
    asyncio.run(light_path.set_up())
    assert len(archive.asked) == 1


def test_what_is_not_known_after_it_was_set_up_is_a_warning(
    make: Any, caplog: pytest.LogCaptureFixture
) -> None:
    archive = FakeCalibrations()
    asyncio.run(make(FakeSpectrograph(mounted_optics=None), archive).set_up())
    assert "is not known: its reference flat is not looked for." in caplog.text
    assert archive.asked == []


def test_biases_and_darks_need_something_to_compare_with_too(config: Callable[..., Any]) -> None:
    references = references_of(config(script_mode="BIAS_DARK"), FakeCalibrations(), 0.0)
    found = asyncio.run(references.problems())
    assert found == [
        f"input_collections_verify_{name}: LATISS/calib has no combined {name} that is valid now for detector"
        " 0 to verify against"
        for name in ("bias", "dark")
    ]
