"""A camera of the simulated detector, without SAL."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from lsst.ts.simulated_observatory.cameras.models import detector_model
from lsst.ts.simulated_observatory.detector.exposure import ExposureRequest, write_raw, write_segments
from lsst.ts.simulated_observatory.detector.header import file_name, primary_header
from lsst.ts.simulated_observatory.faults.faults import Faults

__all__ = ["Camera"]

SCALE = 16
DAY = 20250115


class Camera:
    """Takes images with the simulated detector."""

    def __init__(self, folder: Path, scale: int = SCALE, seed: int = 1) -> None:
        self.folder = folder
        self.model = detector_model("LATISS", 0, scale)
        self.seed = seed

    def take(
        self, image_type: str, times: Sequence[float], *, first: int = 1, faults: Sequence[str] = ()
    ) -> list[Path]:
        """Take images of some exposure times, numbered from the first; returns their files.

        What an image is like depends on its number, and thus not on what other tests have taken.
        """
        return [
            self._expose(number, image_type, time, faults) for number, time in enumerate(times, start=first)
        ]

    def _expose(self, sequence: int, image_type: str, time: float, faults: Sequence[str]) -> Path:
        begin = 1_736_964_000.0 + 60.0 * sequence
        name = f"AT_O_{DAY}_{sequence:06d}"
        dark_time = 0.0 if image_type == "BIAS" else time + 0.24
        segments = self.folder / f"{name}.segments"
        write_segments(
            ExposureRequest(
                instrument="LATISS",
                detector=0,
                scale=self.model.scale,
                seed=self.seed,
                exposure_id=DAY * 100_000 + sequence,
                exposure_time=time,
                dark_time=dark_time,
                shutter_open=image_type == "FLAT",
                physical_filter="SDSSr_65mm~empty",
                faults=Faults(faults).detector,
                path=str(segments),
            )
        )
        header = primary_header(
            model=self.model,
            image_name=name,
            image_type=image_type,
            exposure_time=time,
            dark_time=dark_time,
            begin_tai=begin,
            end_tai=begin + time,
            seed=self.seed,
            keywords={
                "FILTER": "SDSSr_65mm",
                "FILTBAND": "r",
                "GRATING": "empty_1",
                "GRATBAND": "EMPTY",
            },
        )
        path = self.folder / file_name(name, self.model)
        write_raw(str(path), header, str(segments))
        return path
