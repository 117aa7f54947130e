"""Scripts of the auxiliary telescope."""

from ..sal_choice import provide_salobj

provide_salobj()

from .make_latiss_calibrations import MakeLatissCalibrations  # noqa: E402

__all__ = ["MakeLatissCalibrations"]
