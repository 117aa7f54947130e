"""Certifying without verification: possible, because an operator asked for it, and never unnoticed."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Waiver"]


@dataclass(frozen=True)
class Waiver:
    """An operator's decision that combined calibrations are certified unverified.

    Parameters
    ----------
    exposures
        The exposures that they were made from.
    collection
        The collection that holds them and that alone may be certified from.
    reason
        Whose decision, in words, e.g. ``do_verify is false``.
    """

    exposures: tuple[int, ...]
    collection: str
    reason: str
