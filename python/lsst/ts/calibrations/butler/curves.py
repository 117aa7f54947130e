"""Photon transfer curves as values, of cp_pipe and of this project."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..domain.errors import ArchiveError
from ..domain.text import one_line

__all__ = ["curve_rows"]


def curve_rows(detector: int, curve: Any) -> Iterator[dict[str, Any]]:
    """Read the curve of a detector.

    Parameters
    ----------
    detector, curve
        Butler id, and the dataset ``ptc``.

    Yields
    ------
    row
        As ``summary.json`` has it in ``curves``, for each amplifier: gain [electron/adu], noise [electron],
        a00 [1/electron], turnoff [adu], mean [adu] and variance [adu^2] of each pair, and whether the fit
        used it. What the dataset does not have is None, or an empty list.

    Raises
    ------
    ArchiveError
        It has no gain of each amplifier.
    """
    try:
        for name, gain in curve.gain.items():
            used = _of(curve, name, "usedPoints", "expIdMask")
            yield {
                "detector": detector,
                "amplifier": str(name),
                "gain": _number(gain),
                "gain_error": _number(_of(curve, name, "gainErr")),
                "noise": _number(_of(curve, name, "noise")),
                "a00": _number(_a00(curve, name)),
                "turnoff": _number(_of(curve, name, "ptcTurnoff")),
                "means": _numbers(_of(curve, name, "rawMeans")),
                "variances": _numbers(_of(curve, name, "rawVars")),
                "used": [] if used is None else [bool(each) for each in used],
            }
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise ArchiveError(
            f"the photon transfer curve of detector {detector} cannot be read"
            f" ({type(error).__name__}: {one_line(error)})"
        ) from error


def _of(curve: Any, amplifier: str, *names: str) -> Any:
    """The value of an amplifier, under the first name that the dataset has; None if there is none."""
    found = (getattr(curve, name, None) for name in names)
    return next((each[amplifier] for each in found if isinstance(each, Mapping) and amplifier in each), None)


def _a00(curve: Any, amplifier: str) -> Any:
    """The coefficient, which cp_pipe has in a matrix."""
    matrix = _of(curve, amplifier, "aMatrix")
    own = _of(curve, amplifier, "a00")
    return matrix[0][0] if own is None and matrix is not None and len(matrix) else own


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _numbers(values: Any) -> list[float]:
    return [] if values is None else [float(each) for each in values]
