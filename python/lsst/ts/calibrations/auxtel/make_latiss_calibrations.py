"""The script that makes the calibrations of LATISS."""

from __future__ import annotations

from ..base_make_calibrations import BaseMakeCalibrations
from ..domain.instruments import LATISS, Instrument

__all__ = ["MakeLatissCalibrations"]


class MakeLatissCalibrations(BaseMakeCalibrations):
    """Take LATISS biases, darks and flats, have them verified, and report the verdict.

    Parameters
    ----------
    index
        SAL index of the script.
    """

    @classmethod
    def instrument(cls) -> Instrument:
        """Instrument whose calibrations are made."""
        return LATISS
