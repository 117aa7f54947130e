"""The part of ``lsst.ts.observatory.control`` that this project uses, on the embedded SAL."""

from .base_camera import BaseCamera
from .camera_exposure import CameraExposure
from .filter_camera import ComCam, LSSTCam, filter_camera
from .latiss import LATISS
from .remote_group import RemoteGroup

__all__ = ["LATISS", "BaseCamera", "CameraExposure", "ComCam", "LSSTCam", "RemoteGroup", "filter_camera"]
