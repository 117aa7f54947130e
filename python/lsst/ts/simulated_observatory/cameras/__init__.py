"""The cameras: geometry and nominal properties of their detectors, and what is mounted in them."""

from collections.abc import Mapping

from . import latiss, lsstcam, lsstcomcam
from .camera_data import CameraData

__all__ = ["CAMERAS"]

CAMERAS: Mapping[str, CameraData] = {
    "LATISS": latiss.CAMERA,
    "LSSTComCam": lsstcomcam.CAMERA,
    "LSSTCam": lsstcam.CAMERA,
}
"""All instruments by name; a new one is a module, and an entry here."""
