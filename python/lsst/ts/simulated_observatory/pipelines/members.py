"""Members of a set of images, measured by amplifier and compared with each other before they are combined.

One image that differs, by light that came in or failed to come, spoils a combination that is certified for
all; a clipped mean protects pixels and not amplifiers. What a member deviates by counts only if it is larger
than `N_SIGMA` of its error, and larger than a tolerance below which it would do no harm: `TOLERANCES`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .membermeasurement import Member, copies, shared_structure
from .statistics import finite_median

__all__ = [
    "MOST_SATURATED",
    "TOLERANCES",
    "Comparison",
    "Tolerance",
    "UnusableSetError",
    "compare_members",
]

N_SIGMA = 5.0
"""Deviations within so many sigma are chance."""

MOST_SATURATED = 0.01
"""Part of an amplifier that may be saturated; beyond, its level is not that of the light."""

LEAST_USABLE = 0.5
"""Part of an amplifier that must be usable: of a member without its defects, of a verified image of all."""

MOST_SCATTER = 3.0
"""The errors are taken to be larger by the scatter of the set, up to this factor: a set of two, or one of
which most members have too much light, does not excuse itself. The scatter is that of the lower quartile
(0.3186 sigma in a normal distribution), which deviating members hardly change. The light of the detector is
taken to be as well known as its error says: where it drifts, all members scatter."""

LEAST_SIGNAL_TO_NOISE = 3.0
"""Level of a flat in units of the noise of a pixel; 30 electron with a read noise of 9."""

LEAST_OF_PHOTON_NOISE = 0.5
"""Part of the photon noise, as variance, that a flat must have. The brighter-fatter effect leaves 0.74 in
differences of neighbours at 100 ke; what is saturated or clipped has next to none."""

MOST_LIGHT_CHANGE = 2.0
"""Factor between the light of a flat per second and that of the others."""

MAJORITY = 0.5
"""Part of the members that may be odd in one place: where it is more, none is like the middle of them, which
is then that of two kinds."""

DARKER = 0.25
"""Part of the biases or darks with less light than the others from which it is the others that are off; where
there are many, two are enough: a first frame after a pause is one."""

_FIGURES = ("light", "level", "shape", "noise")
"""What is compared by amplifier; light is the level of the detector, which is known better."""

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tolerance:
    """Deviations that do no harm, beside chance, and those that are only told.

    Parameters
    ----------
    unusable, odd
        By what is compared; see `TOLERANCES`.
    """

    unusable: Mapping[str, float]
    odd: Mapping[str, float]


_OF_DARK_IMAGES = Tolerance(
    unusable={"light": 0.1, "level": 0.1, "shape": 0.2, "noise": 0.25, "structure": 0.5},
    odd={"light": 0.02, "level": 0.02, "shape": 0.1, "noise": 0.05, "structure": 0.25},
)

TOLERANCES: Mapping[str, Tolerance] = MappingProxyType(
    {
        "BIAS": _OF_DARK_IMAGES,
        "DARK": _OF_DARK_IMAGES,
        "FLAT": Tolerance(
            unusable={"level": 0.02, "shape": 0.02, "noise": 0.4, "structure": 0.5},
            odd={"level": 0.005, "shape": 0.005, "noise": 0.05, "structure": 0.25},
        ),
    }
)
"""By type of image. Levels and shapes of biases and darks are in units of the noise of a pixel, those of
flats relative to the level, the noise relative to that of the others (of flats over the root of the level,
where others have as much light); for the structure, in units of the
variance of the noise, see `shared_structure`."""


@dataclass(frozen=True)
class Comparison:
    """What became of the members of a set, by their place in it.

    Parameters
    ----------
    unusable
        Why members are not to be combined.
    odd
        What is odd in members that are.
    """

    unusable: Mapping[int, str]
    odd: Mapping[int, str]

    def used(self, names: Sequence[str], *, fraction: float = 0.5, least: int = 3) -> list[int]:
        """Members that are combined.

        Parameters
        ----------
        names
            Of all members of the set.
        fraction, least
            Part and number of the members that must be usable. A set of fewer than `least` must be whole.

        Returns
        -------
        used
            Their places in the set.

        Raises
        ------
        UnusableSetError
            There are too few.
        """
        number = len(names)
        used = [index for index in range(number) if index not in self.unusable]
        needed = max(math.ceil(fraction * number), min(least, number), 1)
        if len(used) < needed:
            reasons = "; ".join(f"{names[index]}: {why}" for index, why in self.unusable.items())
            raise UnusableSetError(
                f"{len(used)} of {number} images are usable and at least {needed} are needed: {reasons}"
            )
        return used


class UnusableSetError(RuntimeError):
    """Too few images of a set can be used for a combined calibration."""


def compare_members(
    members: Sequence[Member],
    kind: str,
    *,
    times: Sequence[float] | None = None,
    levels: Sequence[float] | None = None,
    in_electrons: bool = True,
    exposures: Sequence[int] = (),
) -> Comparison:
    """Find the members of a set that are not like the others.

    Parameters
    ----------
    members
        As `measure_member` gives them.
    kind
        BIAS, DARK or FLAT.
    times
        Of darks the dark time, of flats the exposure time, s.
    levels
        By which flats are divided; the mean levels of their amplifiers if absent.
    in_electrons
        Whether the levels are electrons, so that the photon noise is known.
    exposures
        Ids of the members, if they have any.

    Returns
    -------
    comparison
        The unusable and the odd. Of two members that differ both are unusable: nothing says which is right.
    """
    unusable = _by_themselves(members, is_flat=kind == "FLAT", in_electrons=in_electrons)
    unusable |= {
        i: f"exposure {each} is more than once in the set"
        for i, each in enumerate(exposures)
        if list(exposures).count(each) > 1
    }
    scales = np.ones(len(members)) if kind == "BIAS" or times is None else np.asarray(times, dtype=float)
    if kind == "DARK":
        unusable |= {i: "it has no dark time" for i, time in enumerate(scales) if not time > 0.0}
    if kind == "FLAT":
        own = np.array([np.nanmean(each.level) if _any(each.level) else math.nan for each in members])
        of_exposure = own if levels is None else np.asarray(levels, dtype=float)
        if times is not None:
            unusable |= _light(of_exposure / np.where(scales > 0.0, scales, math.nan), unusable)
        scales = of_exposure
        unusable = {i: "it has no level" for i, level in enumerate(scales) if not level > 0.0} | unusable
    same = _of_members(copies(members, scales))
    text = "its pixels are more like those of another image of the set than noise allows"
    unusable = _named(members, [(same, text, same)]) | unusable
    tolerance, alone = TOLERANCES[kind], set(unusable)
    while True:
        used = [index for index in range(len(members)) if index not in unusable]
        figures = [_figures(members[index], kind, scales[index], scales[used]) for index in used]
        found = _outliers(figures, tolerance.unusable)
        found = found or _structure(members, used, scales, tolerance.unusable)
        if not found:
            break
        unusable |= {used[place]: reason for place, reason in found.items()}
    others = [index for index in unusable if index not in alone]
    darker = 0 if kind == "FLAT" else _darker(members, scales, used, others, tolerance)
    if darker and min(2.0, DARKER * len(members)) <= darker:
        used, figures = [], []
        unusable |= {i: "it has more light than others" for i in range(len(members)) if i not in unusable}
    if used and len(others) >= MAJORITY * (len(members) - len(alone)):
        number = f"{len(others)} of {len(members) - len(alone)}"
        reason = f"half or more of the images are not alike: {number} differ from the others"
        unusable |= dict.fromkeys(used, reason)
        used, figures = [], []
    divided = set[str]()
    found = _outliers(figures, tolerance.odd, divided)
    odd = {used[place]: reason for place, reason in found.items()}
    odd = {used[p]: reason for p, reason in _structure(members, used, scales, tolerance.odd).items()} | odd
    if divided and len(used) > 1:
        alike = f"{sorted(divided)[0]} is not alike in most images of the set"
        unusable |= {i: f"{alike}: {odd.get(i, 'this one is in their middle')}" for i in used}
        odd = {}
    return Comparison(dict(sorted(unusable.items())), odd)


def _darker(
    members: Sequence[Member],
    scales: _Array,
    used: Sequence[int],
    others: Sequence[int],
    tolerance: Tolerance,
) -> int:
    """How many members that are not like the others have less light than those: light only adds."""
    if not used or not others:
        return 0
    places = [*others, *used]
    light, noise = (
        finite_median(np.array([getattr(members[place], name) for place in places]), axis=1) / scales[places]
        for name in ("level", "noise")
    )
    first = len(others)
    limit = np.median(light[first:]) - tolerance.unusable["light"] * np.median(noise[first:])
    return int(np.count_nonzero(light[:first] < limit))


@dataclass(frozen=True, eq=False)
class _Figure:
    """Values of an image that are compared, their errors, and the unit of the tolerance; (amplifiers, n)."""

    values: _Array
    errors: _Array
    unit: _Array
    amplifiers: tuple[str, ...]


def _figures(member: Member, kind: str, scale: float, scales: _Array) -> dict[str, _Figure]:
    """Level, shape and noise of a member that is divided by a scale, one of some scales.

    The responses of pixels are part of the noise of a flat: over the root of the level it grows by half of
    the logarithm of the light, at most, which is taken for an error.
    """

    def figure(values: _Array, errors: _Array, unit: _Array) -> _Figure:
        return _Figure(values, errors, np.broadcast_to(unit, values.shape), member.amplifiers)

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
            "light": _Figure(light, of_light, unit, ("the detector",)),
            "level": figure(level / scale, error / scale, noise / scale),
            "shape": figure(shape, np.broadcast_to(part / scale, shape.shape), noise / scale),
            "noise": figure(noise, 1.2 * noise / np.sqrt(count), noise),
        }


def _structure(
    members: Sequence[Member], used: Sequence[int], scales: _Array, tolerances: Mapping[str, float]
) -> dict[int, str]:
    """Members, by their place among the used, with a structure that more have not; both sides if as many."""
    if len(used) < 2:
        return {}
    compared = [members[index] for index in used]
    excess, sides = shared_structure(compared, scales[used])
    amplifier, direction = divmod(int(np.argmax(excess)), 2)
    if not (size := excess[amplifier, direction]) > tolerances["structure"]:
        return {}
    few = sides[amplifier, direction]
    if 2 * few.sum() > few.size:
        few = ~few
    reason = (
        f"structure differs from the others in {compared[0].amplifiers[amplifier]}: by {size:.3g} of the "
        f"noise, as variance, tolerance {tolerances['structure']:g}; {few.sum()} of {few.size} images have it"
    )
    few |= 2 * few.sum() == few.size
    return dict.fromkeys(np.flatnonzero(few).tolist(), reason)


def _outliers(
    members: Sequence[Mapping[str, _Figure]],
    tolerances: Mapping[str, float],
    divided: set[str] | None = None,
) -> dict[int, str]:
    """Members that deviate by more than chance and tolerance, with the first reason; what divides the set."""
    found: dict[int, str] = {}
    if not members:
        return found
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
        significance[np.isnan(significance)] = 0.0
        others = significance[significance > 0.0]  # a median has no deviation from itself
        scatter = np.quantile(others, 0.25) / 0.3186 if others.size and name != "light" else 1.0
        chance = float(np.clip(scatter, 1.0, MOST_SCATTER))
        excess = np.abs(deviation) / (tolerances[name] * unit)
        excess = np.where(significance > N_SIGMA * chance, np.nan_to_num(excess, nan=0.0), 0.0)
        if divided is not None and (np.mean(excess > 1.0, axis=0) > MAJORITY).any():
            divided.add(name)
        for place, each in enumerate(excess):
            if place not in found and each.max() > 1.0:
                found[place] = _reason(
                    name, members[0][name].amplifiers, each, deviation[place] / unit[place]
                )
    return found


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


def _by_themselves(members: Sequence[Member], *, is_flat: bool, in_electrons: bool) -> dict[int, str]:
    """Members that are unusable whatever the others are like.

    What an amplifier has in most members, such as no light in a dead one, is of the amplifier and not of the
    members, unless most amplifiers have it. Saturation is always of the members: there was too much light.
    """
    level, noise, usable, saturated = (
        np.array([getattr(each, name) for each in members])
        for name in ("level", "noise", "usable", "saturated")
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        signal = level / noise
        variance = noise**2 / level
    bright = signal > LEAST_SIGNAL_TO_NOISE
    tests = [
        (saturated > MOST_SATURATED, "{:.3g} of its pixels are saturated", saturated),
        (_of_members(usable < LEAST_USABLE), "only {:.3g} of its pixels are usable", usable),
        (_of_members(noise == 0.0), "most of its pixels are alike, noise {:g}", noise),
    ]
    if is_flat:
        no_light = _of_members(~bright & (noise > 0.0))
        tests.append((no_light, "no light, or too much noise: level {:.3g} of the noise of a pixel", signal))
        if in_electrons:
            low = bright & (variance < LEAST_OF_PHOTON_NOISE)
            tests.append((low, "variance {:.3g} of the level: saturated or clipped", variance))
    return {i: "all amplifiers are defects" for i, each in enumerate(usable) if not _any(each)} | _named(
        members, tests
    )


def _named(
    members: Sequence[Member], tests: Sequence[tuple[NDArray[np.bool_], str, NDArray[Any]]]
) -> dict[int, str]:
    """The first test that a member fails: what failed by member and amplifier, its text, and its values."""
    found: dict[int, str] = {}
    for failed, text, values in tests:
        for index in np.flatnonzero(failed.any(axis=1)).tolist():
            where = np.flatnonzero(failed[index])
            more = f" and {where.size - 1} more amplifiers" if where.size > 1 else ""
            name = members[index].amplifiers[where[0]]
            found.setdefault(index, f"{name}{more}: {text.format(values[index, where[0]])}")
    return found


def _of_members(failed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What failed, by member and amplifier, without amplifiers that fail in most members."""
    whole = failed.mean(axis=1, keepdims=True) > 0.5
    return np.asarray(failed & (whole | (failed.mean(axis=0) <= 0.5)))


def _light(rates: _Array, unusable: Mapping[int, str]) -> dict[int, str]:
    """Flats whose light per second is far from that of the others."""
    good = [index for index in range(len(rates)) if index not in unusable and math.isfinite(rates[index])]
    if not good:
        return {}
    usual = float(np.median(rates[good]))
    return {
        index: f"light per second is {rates[index] / usual:.3g} of that of the others"
        for index in good
        if not 1.0 / MOST_LIGHT_CHANGE <= rates[index] / usual <= MOST_LIGHT_CHANGE
    }


def _any(values: _Array) -> bool:
    return bool(np.isfinite(values).any())
