"""The script that makes the calibrations of LSSTComCam."""

from __future__ import annotations

from ..base_make_calibrations import BaseMakeCalibrations
from ..domain.instruments import LSSTCOMCAM, Instrument

__all__ = ["MakeComCamCalibrations"]


class MakeComCamCalibrations(BaseMakeCalibrations):
    """Take LSSTComCam biases, darks and flats, have them verified, and report the verdict.

    Parameters
    ----------
    index
        SAL index of the script.
    """

    @classmethod
    def instrument(cls) -> Instrument:
        """Instrument whose calibrations are made."""
        return LSSTCOMCAM
