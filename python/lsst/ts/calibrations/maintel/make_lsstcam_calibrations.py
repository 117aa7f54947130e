"""The script that makes the calibrations of LSSTCam."""

from __future__ import annotations

from ..base_make_calibrations import BaseMakeCalibrations
from ..domain.instruments import LSSTCAM, Instrument

__all__ = ["MakeLSSTCamCalibrations"]


class MakeLSSTCamCalibrations(BaseMakeCalibrations):
    """Take LSSTCam biases, darks and flats, have them verified, and report the verdict.

    Parameters
    ----------
    index
        SAL index of the script.
    """

    @classmethod
    def instrument(cls) -> Instrument:
        """Instrument whose calibrations are made."""
        return LSSTCAM
