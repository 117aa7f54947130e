"""Scripts of the main telescope."""

from ..sal_choice import provide_salobj

provide_salobj()

from ..base_make_calibrations import BaseMakeCalibrations  # noqa: E402
from ..domain.instruments import LSSTCAM, LSSTCOMCAM  # noqa: E402

__all__ = ["MakeComCamCalibrations", "MakeLSSTCamCalibrations"]


class MakeComCamCalibrations(BaseMakeCalibrations):
    """Take LSSTComCam biases, darks and flats, have them verified, and report the verdict."""

    instrument = LSSTCOMCAM


class MakeLSSTCamCalibrations(BaseMakeCalibrations):
    """Take LSSTCam biases, darks and flats, have them verified, and report the verdict."""

    instrument = LSSTCAM
