"""A run that would not fit the disk is refused with a proposal."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from lsst.ts.simulated_observatory.cameras.models import DetectorModel, detector_model
from lsst.ts.simulated_observatory.session.disk import COPIED_IMAGES, Images, bytes_of, check_room

Free = Callable[[float], None]
"""Sets how many gigabytes are free."""


RUN, CURVES = Images(65, 82 + COPIED_IMAGES), Images(182, 364)
"""Of the daily run with default options, and of reference calibrations that are measured."""


class Usage(NamedTuple):
    """What `shutil.disk_usage` returns."""

    total: float
    used: float
    free: float


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Free:
    def have(gigabytes: float) -> None:
        monkeypatch.setattr("shutil.disk_usage", lambda path: Usage(1e12, 0, gigabytes * 1e9))

    return have


def models(instrument: str, numbers: Iterable[int], scale: int = 4) -> list[DetectorModel]:
    return [detector_model(instrument, number, scale) for number in numbers]


def test_lsstcam_with_all_detectors_gets_a_proposal_that_fits(free: Free, tmp_path: Path) -> None:
    free(76)
    with pytest.raises(ValueError, match="room for") as refused:
        check_room({tmp_path: RUN, tmp_path / "cache": CURVES}, models("LSSTCam", range(189)))
    fitting = int(str(refused.value).partition("room for ")[2].partition(" of the 189")[0])
    check_room({tmp_path: RUN, tmp_path / "cache": CURVES}, models("LSSTCam", range(fitting)))
    assert "detectors: [0, 1, 2]" in str(refused.value)
    assert "a larger --scale than 4" in str(refused.value)


def test_if_not_even_one_detector_fits_only_the_rest_is_proposed(free: Free, tmp_path: Path) -> None:
    free(2.1)
    with pytest.raises(ValueError, match=r"Nothing was exposed; take fewer images"):
        check_room({tmp_path / "not" / "yet": RUN}, models("LATISS", [0], scale=1))


def test_comcam_fits_a_usual_disk(free: Free, tmp_path: Path) -> None:
    free(30)
    check_room({tmp_path: RUN}, models("LSSTComCam", range(9)))


@pytest.mark.parametrize(
    ("scale", "images", "measured"),
    [
        (4, RUN, 588e6),
        (4, Images(21, 20 + COPIED_IMAGES), 171e6),
        (4, Images(39, 136 + COPIED_IMAGES), 747e6),  # calibrations of all types from 14, 14 and 8 images
        (16, Images(4, 3 + COPIED_IMAGES), 9.1e6),
    ],
)
def test_the_estimate_is_not_below_what_runs_have_taken_and_not_far_above(
    scale: int, images: Images, measured: float
) -> None:
    estimate = bytes_of(images, models("LATISS", [0], scale))
    assert measured <= estimate < 1.2 * measured
