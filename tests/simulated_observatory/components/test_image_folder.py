"""The folder of the images, in which a later simulation finds what an earlier one has left."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsst.ts.simulated_observatory.components.image_folder import ImageFolder
from lsst.ts.simulated_observatory.components.images import Image

DAY = 20250115


def begun(images: ImageFolder) -> Image:
    """An image for which there is a folder."""
    return Image("AT", DAY, images.reserve(DAY), count=1, started=0.0, physical_filter="r~empty")


def test_a_note_that_a_kill_cut_off_is_removed_and_the_name_is_not_given_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(Exception):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    images = ImageFolder(tmp_path, "AT")
    image = begun(images)
    folder = tmp_path / f"{DAY}" / image.name
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KilledError):
            images.begin(image, ["RXX_S00"])
    assert [path.suffix for path in folder.iterdir()] == [".part"]
    later = ImageFolder(tmp_path, "AT")
    assert later.unfinished() == []
    assert list(folder.iterdir()) == []
    assert later.reserve(DAY) == image.number + 1


def test_an_image_that_has_begun_is_found_by_a_later_simulation(tmp_path: Path) -> None:
    images = ImageFolder(tmp_path, "AT")
    image = begun(images)
    images.begin(image, ["RXX_S00"])
    (found,) = ImageFolder(tmp_path, "AT").unfinished()
    assert found.name == image.name


def test_what_a_camera_that_died_had_not_read_out_is_lost_and_what_it_had_is_not(tmp_path: Path) -> None:
    images = ImageFolder(tmp_path, "AT")
    names = ["R22_S00", "R22_S01"]
    whole, half, none = (begun(images) for _ in range(3))
    for image, written in ((whole, 2), (half, 1), (none, 0)):
        images.begin(image, names)
        for name in names[:written]:
            images.file(image.name, name).touch()
    images.forget_incomplete()
    assert [each.name for each in images.unfinished()] == [whole.name]
    assert images.file(half.name, "R22_S00").exists()
