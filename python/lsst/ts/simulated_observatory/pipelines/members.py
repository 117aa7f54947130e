"""Members of a set of images, measured by amplifier and compared with each other before they are combined.

One image that differs, by light that came in or failed to come, spoils a combination that is certified for
all; a clipped mean protects pixels and not amplifiers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .memberfigures import LEAST_SIGNAL_TO_NOISE, MAJORITY, member_figures, outliers
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

MOST_SATURATED = 0.01
"""Part of an amplifier that may be saturated; beyond, its level is not that of the light."""

LEAST_USABLE = 0.5
"""Part of an amplifier that must be usable: of a member without its defects, of a verified image of all."""

LEAST_OF_PHOTON_NOISE = 0.5
"""Part of the photon noise, as variance, that a flat must have. The brighter-fatter effect leaves 0.74 in
differences of neighbours at 100 ke; what is saturated or clipped has next to none."""

MOST_LIGHT_CHANGE = 2.0
"""Factor between the light of a flat per second and that of the others."""

DARKER = 0.25
"""Part of the biases or darks with less light than the others from which it is the others that are off; where
there are many, two are enough: a first frame after a pause is one."""

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
    scales = _scales(members, kind, times, levels, unusable)
    same = _of_members(copies(members, scales))
    text = "its pixels are more like those of another image of the set than noise allows"
    unusable = _named(members, [(same, text, same)]) | unusable
    tolerance, alone = TOLERANCES[kind], set(unusable)
    while True:
        used = [index for index in range(len(members)) if index not in unusable]
        figures = [member_figures(members[index], kind, scales[index], scales[used]) for index in used]
        found, _ = outliers(figures, tolerance.unusable)
        found = found or _structure(members, used, scales, tolerance.unusable)[0]
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
    found, divided = outliers(figures, tolerance.odd)
    odd = {used[place]: reason for place, reason in found.items()}
    found, lacking = _structure(members, used, scales, tolerance.odd)
    odd = {used[place]: reason for place, reason in (lacking | found).items()} | odd
    if divided and len(used) > 1:
        alike = f"{sorted(divided)[0]} is not alike in most images of the set"
        unusable |= {i: f"{alike}: {odd.get(i, 'this one is in their middle')}" for i in used}
        odd = {}
    return Comparison(dict(sorted(unusable.items())), dict(sorted(odd.items())))


def _scales(
    members: Sequence[Member],
    kind: str,
    times: Sequence[float] | None,
    levels: Sequence[float] | None,
    unusable: dict[int, str],
) -> _Array:
    """By what members are divided, see `compare_members`; those that cannot be are added to the unusable."""
    scales = np.ones(len(members)) if kind == "BIAS" or times is None else np.asarray(times, dtype=float)
    if kind != "FLAT":
        unusable |= {i: "it has no dark time" for i, time in enumerate(scales) if not time > 0.0}
        return scales
    own = np.array([np.nanmean(each.level) if _any(each.level) else math.nan for each in members])
    of_exposure = own if levels is None else np.asarray(levels, dtype=float)
    if times is not None:
        unusable |= _light(of_exposure / np.where(scales > 0.0, scales, math.nan), unusable)
    unusable |= {
        i: "it has no level" for i, level in enumerate(of_exposure) if not level > 0.0 and i not in unusable
    }
    return of_exposure


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


def _structure(
    members: Sequence[Member], used: Sequence[int], scales: _Array, tolerances: Mapping[str, float]
) -> tuple[dict[int, str], dict[int, str]]:
    """Members, by their place among the used, with a structure that more have not; both sides if as many.

    And those whose structure cannot be compared.
    """
    if len(used) < 2:
        return {}, {}
    names = members[0].amplifiers
    excess, few, compared, missing = shared_structure([members[index] for index in used], scales[used])
    apart = "structure of {} cannot be compared: too few pixels in common with the others"
    lacking = {place: apart.format(names[where]) for where, place in np.argwhere(missing).tolist()}
    amplifier, direction = divmod(int(np.argmax(excess)), 2)
    if not (size := excess[amplifier, direction]) > tolerances["structure"]:
        return {}, lacking
    found, number = few[amplifier, direction], compared[amplifier].sum()
    reason = (
        f"structure differs from the others in {names[amplifier]}: by {size:.3g} of the "
        f"noise, as variance, tolerance {tolerances['structure']:g}; {found.sum()} of {number} images have it"
    )
    if 2 * found.sum() == number:
        found = compared[amplifier]
    return dict.fromkeys(np.flatnonzero(found).tolist(), reason), lacking


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
