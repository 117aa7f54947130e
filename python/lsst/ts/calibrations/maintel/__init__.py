"""Scripts of the main telescope."""

from ..sal_choice import provide_salobj

provide_salobj()

from .make_comcam_calibrations import MakeComCamCalibrations  # noqa: E402
from .make_lsstcam_calibrations import MakeLSSTCamCalibrations  # noqa: E402

__all__ = ["MakeComCamCalibrations", "MakeLSSTCamCalibrations"]
