"""What images of a set are compared by, amplifier by amplifier: levels, shapes and noises.

What an image deviates by counts only if it is larger than `N_SIGMA` of its error, and than a tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .membermeasurement import Member
from .statistics import finite_median

__all__ = ["LEAST_SIGNAL_TO_NOISE", "MAJORITY", "N_SIGMA", "Figure", "member_figures", "outliers"]

N_SIGMA = 5.0
"""Deviations within so many sigma are chance."""

LEAST_SIGNAL_TO_NOISE = 3.0
"""Level of a flat in units of the noise of a pixel; 30 electron with a read noise of 9."""

MOST_SCATTER = 3.0
"""The errors are taken to be larger by the scatter of the set, up to this factor: a set of two, or one of
which most members have too much light, does not excuse itself. The scatter is that of the lower quartile
(0.3186 sigma in a normal distribution), which deviating members hardly change. The light of the detector is
taken to be as well known as its error says: where it drifts, all members scatter."""

MAJORITY = 0.5
"""Part of the members that may be odd in one place: where it is more, none is like the middle of them, which
is then that of two kinds."""

_FIGURES = ("light", "level", "shape", "noise")
"""What is compared by amplifier; light is the level of the detector, which is known better."""

_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Figure:
    """What an image is compared by.

    Parameters
    ----------
    values, errors, unit
        Shape (amplifiers, number); the tolerance is in this unit.
    amplifiers
        Their names.
    """

    values: _Array
    errors: _Array
    unit: _Array
    amplifiers: tuple[str, ...]


def member_figures(member: Member, kind: str, scale: float, scales: _Array) -> dict[str, Figure]:
    """What a member is compared by.

    The responses of pixels are part of the noise of a flat: over the root of the level it grows by half of
    the logarithm of the light, at most, which is taken for an error.

    Parameters
    ----------
    member
        As `measure_member` gives it.
    kind
        BIAS, DARK or FLAT.
    scale, scales
        By which this member is divided, and by which all are.

    Returns
    -------
    figures
        Level, shape and noise; of biases and darks the light of the detector, too.
    """

    def figure(values: _Array, errors: _Array, unit: _Array) -> Figure:
        return Figure(values, errors, np.broadcast_to(unit, values.shape), member.amplifiers)

    level, noise, count = (each[:, None] for each in (member.level, member.noise, member.count))
    with np.errstate(invalid="ignore", divide="ignore"):
        error, part = member.error[:, None], member.block_error[:, None]
        if kind == "FLAT":
            one = np.ones_like(level)
            bright = level > LEAST_SIGNAL_TO_NOISE * noise
            shape = np.where(bright, member.blocks / level, math.nan)
            of_photons = np.where(bright, noise / np.sqrt(level), math.nan)
            unlike = 0.5 * abs(math.log(scale / np.median(scales)))
            return {
                "level": figure(level / scale, error / scale, one),
                "shape": figure(shape, np.broadcast_to(part / level, shape.shape), one),
                "noise": figure(of_photons, of_photons * (1.2 / np.sqrt(count) + unlike), of_photons),
            }
        shape = (member.blocks - level) / scale
        known = np.isfinite(member.level) & (member.noise > 0.0)
        light, of_light, unit = (
            np.full((1, 1), value / scale)
            for value in (
                np.mean(level[known]),
                np.sqrt(np.mean(error[known] ** 2) / known.sum()),
                np.mean(noise[known]),
            )
        )
        return {
            "light": Figure(light, of_light, unit, ("the detector",)),
            "level": figure(level / scale, error / scale, noise / scale),
            "shape": figure(shape, np.broadcast_to(part / scale, shape.shape), noise / scale),
            "noise": figure(noise, 1.2 * noise / np.sqrt(count), noise),
        }


def outliers(
    members: Sequence[Mapping[str, Figure]], tolerances: Mapping[str, float]
) -> tuple[dict[int, str], list[str]]:
    """Find members that deviate from the middle of all by more than chance and tolerance.

    Parameters
    ----------
    members
        What each is compared by.
    tolerances
        For each figure, in its unit; what has none is not compared.

    Returns
    -------
    reasons, divided
        The first reason by place of the member; the figures of which no majority is alike.
    """
    found: dict[int, str] = {}
    divided: list[str] = []
    if not members:
        return found, divided
    for name in _FIGURES:
        if name not in tolerances:
            continue
        values, errors, unit = (
            np.array([getattr(each[name], what) for each in members]) for what in ("values", "errors", "unit")
        )
        centre = finite_median(values)
        unit = np.broadcast_to(finite_median(unit) if name == "noise" else unit, values.shape)
        deviation = values - centre
        with np.errstate(invalid="ignore", divide="ignore"):
            of_centre = math.pi / 2.0 * finite_median(errors**2) / len(members)  # of a median
            significance = np.abs(deviation) / np.sqrt(errors**2 + of_centre)
            excess = np.abs(deviation) / (tolerances[name] * unit)
        significance[np.isnan(significance)] = 0.0
        others = significance[significance > 0.0]  # a median has no deviation from itself
        scatter = np.quantile(others, 0.25) / 0.3186 if others.size and name != "light" else 1.0
        chance = float(np.clip(scatter, 1.0, MOST_SCATTER))
        excess = np.where(significance > N_SIGMA * chance, np.nan_to_num(excess, nan=0.0), 0.0)
        if (np.mean(excess > 1.0, axis=0) > MAJORITY).any():
            divided.append(name)
        for place, each in enumerate(excess):
            if place not in found and each.max() > 1.0:
                found[place] = _reason(
                    name, members[0][name].amplifiers, each, deviation[place] / unit[place]
                )
    return found, divided


def _reason(name: str, amplifiers: Sequence[str], excess: _Array, deviation: _Array) -> str:
    """What deviates where, and by how much of the unit of the tolerance."""
    by_amplifier = excess.max(axis=1)
    worst = int(by_amplifier.argmax())
    part = int(excess[worst].argmax())
    where = amplifiers[worst] if (number := int((by_amplifier > 1.0).sum())) == 1 else (
        f"{number} amplifiers, most in {amplifiers[worst]}"
    )  # fmt: skip
    size = deviation[worst, part]
    limit = abs(size) / excess[worst, part]
    return f"{name} differs from the others in {where}: by {size:+.3g}, tolerance {limit:g}"
