"""Where the files of the simulated camera are, and who hears of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..domain.exposures import exposure_id, image_name
from .images import Image

__all__ = ["ImageFolder"]

FilesListener = Callable[[Image, Mapping[int, Path]], None]
"""Called with an image and its raw files by detector id."""


class ImageFolder:
    """Folder of raw images: ``<root>/<day>/<image>/<image>_<detector>.fits``.

    It stands for the disk between camera and OODS. A folder is made when an image begins, so a name is never
    given twice, also when a later simulation goes on with the same folder.

    Parameters
    ----------
    root
        The folder; made when the first image begins.
    code
        Two letters that begin the image names.
    """

    def __init__(self, root: Path, code: str) -> None:
        self.root = root
        self.code = code
        self._listeners: list[FilesListener] = []

    def add_listener(self, listener: FilesListener) -> None:
        """Have `listener` called whenever all files of an image are complete."""
        self._listeners.append(listener)

    def reserve(self, day_obs: int) -> int:
        """Make the folder of the next image of a day and return its sequence number."""
        day = self.root / f"{day_obs}"
        taken = [exposure_id(path.name) % 100_000 for path in day.glob(f"{self.code}_?_{day_obs}_??????")]
        number = max(taken, default=0) + 1
        (day / image_name(self.code, day_obs, number)).mkdir(parents=True)
        return number

    def count(self) -> int:
        """How many images there are already."""
        return sum(1 for _ in self.root.glob(f"*/{self.code}_?_*"))

    def file(self, name: str, detector: str) -> Path:
        """Path of the raw file of a detector, e.g. ``..._R00_S00.fits`` for RXX_S00 of LATISS."""
        return self._folder(name) / f"{name}_{detector.replace('RXX', 'R00')}.fits"

    def segments(self, name: str, detector: str) -> Path:
        """Path of the pixels of a detector until the header is there."""
        return self.file(name, detector).with_suffix(".segments")

    def header(self, name: str) -> Path:
        """Path of the file of the header service."""
        return self._folder(name) / f"{name}.yaml"

    def complete(self, image: Image, files: Mapping[int, Path]) -> None:
        """Tell that all files of an image are complete."""
        for listener in self._listeners:
            listener(image, files)

    def _folder(self, name: str) -> Path:
        return self.root / name.split("_")[2] / name
