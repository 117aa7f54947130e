"""Scripts of the auxiliary telescope."""

from .make_latiss_calibrations import MakeLatissCalibrations

__all__ = ["MakeLatissCalibrations"]
