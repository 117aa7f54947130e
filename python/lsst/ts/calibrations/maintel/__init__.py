"""Scripts of the main telescope."""

from ..sal_choice import provide_salobj

provide_salobj()

from ..base_make_calibrations import BaseMakeCalibrations  # noqa: E402
from ..domain.instruments import LSSTCAM, LSSTCOMCAM, Instrument  # noqa: E402

__all__ = ["MakeComCamCalibrations", "MakeLSSTCamCalibrations"]


class MakeComCamCalibrations(BaseMakeCalibrations):
    """Take LSSTComCam biases, darks and flats, have them verified, and report the verdict.

    Parameters
    ----------
    index, settings, listeners, advise
        As for `BaseMakeCalibrations`.
    """

    @classmethod
    def instrument(cls) -> Instrument:
        """Instrument whose calibrations are made."""
        return LSSTCOMCAM


class MakeLSSTCamCalibrations(BaseMakeCalibrations):
    """Take LSSTCam biases, darks and flats, have them verified, and report the verdict.

    Parameters
    ----------
    index, settings, listeners, advise
        As for `BaseMakeCalibrations`.
    """

    @classmethod
    def instrument(cls) -> Instrument:
        """Instrument whose calibrations are made."""
        return LSSTCAM
