"""Scripts of the auxiliary telescope."""

from ..sal_choice import provide_salobj

provide_salobj()

from ..base_make_calibrations import BaseMakeCalibrations  # noqa: E402
from ..domain.instruments import LATISS  # noqa: E402

__all__ = ["MakeLatissCalibrations"]


class MakeLatissCalibrations(BaseMakeCalibrations):
    """Take LATISS biases, darks and flats, have them verified, and report the verdict."""

    instrument = LATISS
