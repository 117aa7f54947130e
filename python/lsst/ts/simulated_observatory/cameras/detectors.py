"""Camera-model values of the detectors, as the observatory's camera policy files have them."""

from __future__ import annotations

from collections.abc import Mapping

from .rafts import COMCAM_DETECTORS, LSSTCAM_DETECTORS
from .sensors import ITL, DetectorData

__all__ = ["DETECTORS"]

DETECTORS: Mapping[str, Mapping[int, DetectorData]] = {
    "LATISS": {
        0: DetectorData(
            name="RXX_S00",
            serial="ITL-3800C-068",
            bay="R00",
            slot="S00",
            raft="AuxTel-Raft",
            sensor=ITL,
            raft_origin=(125, 89),
            focal_plane_origin=(12700, 0),
            amplifiers={
                "C00": (1.0972, 9.1),
                "C01": (1.0933, 9.9),
                "C02": (1.0874, 9.4),
                "C03": (1.0939, 9.1),
                "C04": (1.0840, 9.7),
                "C05": (1.1047, 10.3),
                "C06": (1.1039, 10.0),
                "C07": (1.1033, 8.5),
                "C10": (1.0811, 8.4),
                "C11": (1.0470, 8.5),
                "C12": (1.0795, 8.4),
                "C13": (1.0810, 8.6),
                "C14": (1.0644, 8.4),
                "C15": (1.0669, 8.4),
                "C16": (1.0795, 8.4),
                "C17": (1.0560, 8.0),
            },
        )
    },
    "LSSTComCam": COMCAM_DETECTORS,
    "LSSTCam": LSSTCAM_DETECTORS,
}
"""Detectors by instrument name and Butler detector id.

LATISS: gains and noise of obs_lsst policy/latiss/RXX.yaml (2021-03-18), origins of its raw headers."""
