"""What a job has read of calibrations it does not read again, and nobody can change it."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from lsst.ts.simulated_observatory.pipelines.calibration_memory import CalibrationMemory
from lsst.ts.simulated_observatory.pipelines.images import DetectorImage
from lsst.ts.simulated_observatory.pipelines.tables import Defects


class Reader:
    def __init__(self, content: object) -> None:
        self.content, self.times = content, 0

    def __call__(self) -> object:
        self.times += 1
        return self.content


def image() -> DetectorImage:
    return DetectorImage(np.ones((2, 3), np.float32), np.zeros((2, 3), np.uint16), {}, {"A": 1})


def file(folder: Path, name: str, size: int = 10) -> str:
    (folder / name).write_bytes(b"x" * size)
    return str(folder / name)


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    memory, read, path = CalibrationMemory(100), Reader(image()), file(tmp_path, "bias")
    for _ in range(3):
        assert memory.get(path, read).metadata == {"A": 1}  # type: ignore[attr-defined]
    assert read.times == 1
    os.utime(path, ns=(1, 1))
    memory.get(path, read)
    assert read.times == 2


def test_what_one_quantum_does_to_it_the_next_does_not_see(tmp_path: Path) -> None:
    memory, path = CalibrationMemory(100), file(tmp_path, "bias")
    first = memory.get(path, image)
    first.metadata["A"] = 2
    for plane in (first.image, first.mask):
        with pytest.raises(ValueError, match="read-only"):
            plane += 1
    first.image = first.image + 1
    again = memory.get(path, image)
    assert again.metadata == {"A": 1}
    assert again.image.max() == 1.0
    path = file(tmp_path, "defects")
    table = memory.get(path, lambda: Defects("RXX_S00", (2, 3), []))
    table.boxes.append((0, 0, 1, 1))
    assert memory.get(path, lambda: Defects("RXX_S00", (2, 3), [])).boxes == []


def test_what_was_used_long_ago_is_forgotten_first(tmp_path: Path) -> None:
    memory = CalibrationMemory(25)
    paths = [file(tmp_path, name) for name in ("a", "b", "c")]
    reads = [Reader(name) for name in ("a", "b", "c")]
    for number in (0, 1, 0, 2, 0, 1):
        assert memory.get(paths[number], reads[number]) == "abc"[number]
    assert [each.times for each in reads] == [1, 2, 1]
    big = file(tmp_path, "big", 1000)
    read = Reader("big")
    for _ in range(2):
        memory.get(big, read)
    assert read.times == 1  # one is kept however large it is
