"""Scripts of the main telescope."""

from .make_comcam_calibrations import MakeComCamCalibrations
from .make_lsstcam_calibrations import MakeLSSTCamCalibrations

__all__ = ["MakeComCamCalibrations", "MakeLSSTCamCalibrations"]
