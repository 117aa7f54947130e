"""Certifying without verification: possible, because an operator asked for it, and never unnoticed."""

from __future__ import annotations

from dataclasses import dataclass

from .combined import CombinedCalibration

__all__ = ["Waiver"]


@dataclass(frozen=True)
class Waiver:
    """An operator's decision that combined calibrations are certified unverified.

    Parameters
    ----------
    combined
        Which.
    reason
        Whose decision, in words, e.g. ``do_verify is false``.
    """

    combined: CombinedCalibration
    reason: str
