"""Certifying without verification: possible, because an operator asked for it, and never unnoticed."""

from __future__ import annotations

from dataclasses import dataclass

from ..config.config import CalibrationConfig
from .combined import CombinedCalibration
from .seal import Sealed, sealed

__all__ = ["Waiver", "waive"]


@dataclass(frozen=True, kw_only=True)
class Waiver(Sealed):
    """An operator's decision that a combined calibration is certified unverified; made by `waive` alone.

    Parameters
    ----------
    combined
        Which.
    reason
        Whose decision, in words, e.g. ``do_verify is false``.
    """

    combined: CombinedCalibration
    reason: str


def waive(combined: CombinedCalibration, config: CalibrationConfig) -> Waiver:
    """Waive the verification of a combined calibration, as the configuration wishes.

    Parameters
    ----------
    combined
        Which.
    config
        The operator's word.

    Raises
    ------
    ValueError
        The configuration wishes no such thing.
    """
    if config.do_verify or not config.generate_calibrations:
        raise ValueError(f"do_verify is true: {combined.name} is to be verified")
    return sealed(Waiver, combined=combined, reason="do_verify is false")
