"""Where the files of the simulated camera are, and who hears of them."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from itertools import groupby
from pathlib import Path

from lsst.ts.calibrations.domain.instruments import exposure_id

from ..cameras.image_names import image_name
from .images import Image

__all__ = ["ImageFolder", "ImagesInUse"]

LOCK = "lock"
"""File that a simulation has locked as long as it uses the folder."""

MEMO = ".begun"
"""Suffix of the note about a file that is to be."""


class ImagesInUse(RuntimeError):
    """Another simulation uses the folder."""


class ImageFolder:
    """Folder of raw images: ``<root>/<day>/<image>/<image>_<detector>.fits``.

    It stands for the disk between camera and OODS. A folder is made when an image begins, so a name is never
    given twice, also when a later simulation goes on with the same folder. That one can also end the images
    that this one has begun: camera and OODS do not end with the script that uses them.

    Parameters
    ----------
    root, code
        The folder, made when the first image begins, and two letters that begin the image names.
    """

    def __init__(self, root: Path, code: str) -> None:
        self.root = root
        self.code = code
        self.listeners: list[Callable[[Image, Mapping[int, Path]], None]] = []
        """Called with an image and its raw files by detector id whenever all of them are complete."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep others from the folder; the system unlocks it however this process ends.

        Raises
        ------
        ImagesInUse
            Another one has it.
        OSError
            The file system refused.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / LOCK).open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ImagesInUse(f"another simulation takes images in {self.root}") from None
            except OSError:  # a file system without locks
                pass
            yield

    def reserve(self, day_obs: int) -> int:
        """Make the folder of the next image of a day.

        Parameters
        ----------
        day_obs
            Observing day, YYYYMMDD.

        Returns
        -------
        number
            Sequence number of the image.
        """
        number = self.next_number(day_obs)
        (self.root / f"{day_obs}" / image_name(self.code, day_obs, number)).mkdir(parents=True)
        return number

    def next_number(self, day_obs: int) -> int:
        """Give the sequence number that the next image of a day will have.

        Parameters
        ----------
        day_obs
            Observing day, YYYYMMDD.

        Returns
        -------
        number
            One more than the last one.
        """
        day = self.root / f"{day_obs}"
        taken = [exposure_id(path.name) % 100_000 for path in day.glob(f"{self.code}_?_{day_obs}_??????")]
        return max(taken, default=0) + 1

    def count(self) -> int:
        """How many images there are already."""
        return sum(1 for _ in self.root.glob(f"*/{self.code}_?_*"))

    def begin(self, image: Image, detectors: Iterable[str]) -> None:
        """Write down that an image has begun, until the OODS has dealt with its files.

        Parameters
        ----------
        image, detectors
            Which, and the names of the detectors with pixels.
        """
        text = json.dumps(asdict(image))
        for detector in detectors:
            memo = self.file(image.name, detector).with_suffix(MEMO)
            part = memo.with_suffix(f"{MEMO}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(memo)

    def unfinished(self) -> list[Image]:
        """Images that have begun and not come to the OODS; they count for no fault of this simulation.

        Notes that were being written when an earlier simulation was killed are removed: no image had begun.
        """
        for part in self.root.glob(f"*/*/*{MEMO}.part"):
            part.unlink(missing_ok=True)
        read = (json.loads(memos[-1].read_text(encoding="utf-8")) for memos in self._memos())
        return [Image(**(values | {"count": 0})) for values in read]

    def forget_incomplete(self) -> None:
        """Remove the notes about images of which a file is missing: the camera has died with their pixels."""
        for memos in self._memos():
            if not all(memo.with_suffix(".fits").exists() for memo in memos):
                for memo in memos:
                    memo.unlink(missing_ok=True)

    def _memos(self) -> Iterator[list[Path]]:
        """Notes about the files of each image, in the order of their paths."""
        for _, memos in groupby(sorted(self.root.glob(f"*/*/*{MEMO}")), key=lambda path: path.parent):
            yield list(memos)

    @staticmethod
    def settled(file: Path) -> None:
        """Remove the note about a file that the OODS has ingested, or put away.

        Parameters
        ----------
        file
            Path of the raw file.
        """
        file.with_suffix(MEMO).unlink(missing_ok=True)

    def file(self, name: str, detector: str) -> Path:
        """Path of a raw file, such as ``..._R00_S00.fits``.

        Parameters
        ----------
        name, detector
            Of the image, and of the detector, e.g. RXX_S00 of LATISS.

        Returns
        -------
        path
            In the folder of its image.
        """
        return self._folder(name) / f"{name}_{detector.replace('RXX', 'R00')}.fits"

    def header(self, name: str) -> Path:
        """Path of the file of the header service.

        Parameters
        ----------
        name
            Of the image.

        Returns
        -------
        path
            Beside the raw files.
        """
        return self._folder(name) / f"{name}.yaml"

    def complete(self, image: Image, files: Mapping[int, Path]) -> None:
        """Call the listeners: all files of an image are complete.

        Parameters
        ----------
        image, files
            Which, and its raw files by detector id.
        """
        for listener in self.listeners:
            listener(image, files)

    def _folder(self, name: str) -> Path:
        exposure_id(name)  # names come with messages, and no other one may become a path
        return self.root / name.split("_")[2] / name
