"""Gains from single pairs of flats, corrected for the brighter-fatter effect."""

from __future__ import annotations

from .instruments import BRIGHTER_FATTER_SLOPES

__all__ = ["corrected_gain"]


def corrected_gain(gain: float, mean: float, manufacturer: str) -> float:
    """Gain (electron/adu) that a pair of flats would give without the brighter-fatter effect.

    The effect lowers the variance of bright flats, so that a gain from mean and variance reads high. The
    correction is linear in the signal (cp_verify, verifyGain; DMTN-101 section 6.2): good to 0.3 per cent at
    15 kadu, and too strong above about 40 kadu.

    Parameters
    ----------
    gain
        As measured, electron/adu.
    mean
        Mean signal of the pair, adu.
    manufacturer
        Of the CCD: ``ITL`` or ``E2V``, in any case.

    Returns
    -------
    gain
        Corrected, electron/adu.

    Raises
    ------
    ValueError
        The manufacturer is unknown.
    """
    slope = BRIGHTER_FATTER_SLOPES.get(manufacturer.upper())
    if slope is None:
        known = ", ".join(BRIGHTER_FATTER_SLOPES)
        raise ValueError(f"no brighter-fatter correction for CCDs of {manufacturer!r}; known: {known}")
    return gain * (1.0 - slope * mean / 100.0)
