"""Search for defects: amplifiers that are defects as a whole, pixels, columns.

Thresholds are relative to a level, and the level of a broken amplifier is broken itself. So an amplifier is
first compared with the others of its detector, and its level is that of the pixels that agree with them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from .defectmembers import COLD_FRACTION, DEAD_FRACTION, HOT_RATE, OFFSET, usual_shape
from .images import DetectorImage, MaskPlane
from .statistics import finite_median

__all__ = [
    "NOISE_LIMIT",
    "DefectLimits",
    "broken_in_darks",
    "broken_in_flats",
    "expected_level",
    "fill_columns",
    "find_defects",
    "largest_noise",
    "level_and_noise",
]

QUIET = 0.3
"""Noise of a constant amplifier, relative to the others."""

MARGIN, RESPONSES, MOST_READ_NOISE = 1.5, 0.01, 20.0
"""Of the noise that an amplifier can have: how much more it may be than expected, scatter of the responses of
a good detector, and read noise, electron."""

NOISE_LIMIT = 5.0
"""Sigma within which no pixel is a defect: of 1e7 pixels, six are further off by chance."""

_UNUSABLE = np.uint16(MaskPlane.BAD | MaskPlane.NO_DATA)

_Reals = NDArray[np.float64]


@dataclass(frozen=True)
class DefectLimits:
    """What is a defect.

    Parameters
    ----------
    hot_rate
        Dark current above that of the amplifier, electron/s. A pixel as far below it is a defect, too: light
        only adds, so its bias is wrong.
    cold_fraction, bright_fraction
        Response relative to the amplifier. A pixel that is too bright collects charge of its neighbours, say;
        those of a good detector scatter by 0.5 %.
    column, gap
        Bad pixels that make a column suspicious, and good ones in a row that stay good there; of 2000.
    """

    hot_rate: float = HOT_RATE
    cold_fraction: float = COLD_FRACTION
    bright_fraction: float = 1.04
    column: int = 50
    gap: int = 30

    def interval(self, kind: str, level: float, noise: float) -> tuple[float, float]:
        """Where good pixels are.

        Parameters
        ----------
        kind, level, noise
            ``dark`` or ``flat``; of the amplifier in the combination.

        Returns
        -------
        lowest, highest
            In the unit of the level.
        """
        least = NOISE_LIMIT * noise
        if kind == "dark":
            off = max(self.hot_rate, least)
            return level - off, level + off
        below, above = (1.0 - self.cold_fraction) * level, (self.bright_fraction - 1.0) * level
        return level - max(below, least), level + max(above, least)


def find_defects(
    combined: DetectorImage, levels: _Reals, kind: str, limits: DefectLimits
) -> tuple[NDArray[np.bool_], dict[str, Any]]:
    """Find the defects that a combination of images shows.

    Parameters
    ----------
    combined
        Darks, electron/s, or flats, relative to the level of the detector.
    levels
        Of the images that were combined, see `measure_levels`; shape (3, images, amplifiers).
    kind, limits
        ``dark`` or ``flat``, and what is a defect.

    Returns
    -------
    mask, metadata
        True in defects; reason and box (x0, y0, width, height) of each amplifier that is a defect as a whole,
        and the limits for the pixels of each: they are wider than usual where noise makes it necessary.
    """
    pixels = {
        name: np.where((combined.flags(name) & _UNUSABLE) == 0, combined.pixels(name), np.float32(math.nan))
        for name in combined.amplifiers
    }
    expected = expected_level(pixels, kind)
    found = {
        name: level_and_noise(each, expected, largest_noise(combined, name, expected))
        for name, each in pixels.items()
    }
    combined_levels = {name: level for name, (level, _) in found.items()}
    broken = (
        broken_in_darks(levels, combined_levels, limits.hot_rate)
        if kind == "dark"
        else broken_in_flats(levels, combined_levels)
    )
    intervals = {name: limits.interval(kind, *each) for name, each in found.items()}
    mask = np.ones(combined.image.shape, dtype=bool)
    for name in pixels.keys() - broken.keys():
        lowest, highest = intervals[name]
        scale = pixels[name].shape[0] / 2000.0
        mask[combined.amplifiers[name].box] = fill_columns(
            ~((pixels[name] >= lowest) & (pixels[name] <= highest)),
            suspicious=max(2, round(limits.column * scale)),
            gap=max(2, round(limits.gap * scale)),
        )
    boxes = {name: combined.amplifiers[name] for name in broken}
    amplifiers = {
        name: {"reason": broken[name], "box": [each.x0, each.y0, each.width, each.height]}
        for name, each in boxes.items()
    }
    known = {n: [x if math.isfinite(x) else None for x in each] for n, each in intervals.items()}
    return mask, {"amplifiers": amplifiers, "limits": known}


def expected_level(pixels: Mapping[str, NDArray[np.float32]], kind: str) -> float:
    """Level of a detector: median of the medians of its amplifiers, so that broken ones do not matter.

    In darks it is 0 if it is further off than a hot pixel: most amplifiers are broken then, and the bias is
    subtracted.

    Parameters
    ----------
    pixels, kind
        By amplifier, any shape; those that are not finite are left out. ``dark`` (electron/s) or ``flat``.

    Returns
    -------
    level
        NaN if there are none.
    """
    finite = [each[np.isfinite(each)] for each in pixels.values()]
    level = float(finite_median(np.array([np.median(each) if each.size else math.nan for each in finite])))
    return 0.0 if kind == "dark" and abs(level) > HOT_RATE else level


def broken_in_darks(
    levels: _Reals, combined: Mapping[str, float], hot_rate: float = HOT_RATE
) -> dict[str, str]:
    """Find amplifiers that are defects as a whole in darks: glowing, constant, or without usable pixels.

    The bias is subtracted, so that a level is one by itself: most amplifiers may glow. The level in electrons
    is uncertain by `OFFSET`, which is much in a short dark.

    Parameters
    ----------
    levels
        Of the darks that are used, see `measure_levels`; shape (3, images, amplifiers), electron.
    combined
        Dark current of each amplifier in the combination, electron/s.
    hot_rate
        Limit of a hot pixel, electron/s.

    Returns
    -------
    reasons
        Why, by name.
    """
    electrons = finite_median(levels[0])
    glowing = {
        name: f"{'glowing' if rate > 0.0 else 'below its bias'}: {rate:+.3g} electron/s"
        for (name, rate), level in zip(combined.items(), electrons, strict=True)
        if abs(rate) > hot_rate and abs(level) > OFFSET
    }
    return glowing | _constant(levels, combined)


def broken_in_flats(levels: _Reals, combined: Mapping[str, float]) -> dict[str, str]:
    """Find amplifiers that are defects as a whole in flats.

    They are dead or far too bright, constant, without usable pixels, or do not follow the light. A single one
    can be too bright; if several seem to be it is the others that lack light, more likely, and the reason
    names those.

    Parameters
    ----------
    levels
        Of the flats that are used, see `measure_levels`; shape (3, images, amplifiers).
    combined
        Level of each amplifier in the combination.

    Returns
    -------
    reasons
        Why, by name.
    """
    each = np.array(list(combined.values()))
    usual = float(finite_median(each))
    bright = [name for name, level in combined.items() if level > usual / DEAD_FRACTION]
    others = "the others"
    if len(bright) > 1:
        usual = float(np.median([combined[name] for name in bright]))
        others = f"{' and '.join(bright)} (or these {len(bright)} are too bright)"
    reasons = _constant(levels, combined)
    for (name, level), steady in zip(combined.items(), usual_shape(levels)[1], strict=True):
        if not steady:
            reasons[name] = "it does not follow the light"
        if level < DEAD_FRACTION * usual:
            reasons[name] = f"dead: {level / usual:.2g} of the light of {others}"
        elif level > usual / DEAD_FRACTION:
            reasons[name] = f"too bright: {level / usual:.2g} times the light of the others"
    return reasons


def _constant(levels: _Reals, combined: Mapping[str, float]) -> dict[str, str]:
    """Amplifiers without noise, and without usable pixels."""
    sigma = levels[1]
    with np.errstate(divide="ignore", invalid="ignore"):
        noise = finite_median(sigma / finite_median(sigma, axis=1)[:, None])
    enough = np.count_nonzero(np.isfinite(sigma), axis=0) * 2 >= len(sigma)
    reasons = {}
    for name, quiet, known in zip(combined, noise, enough, strict=True):
        if not known or not math.isfinite(combined[name]):
            reasons[name] = "no usable pixels"
        elif quiet < QUIET:
            reasons[name] = f"constant: {quiet:.2g} of the noise of the others"
    return reasons


def largest_noise(image: DetectorImage, amplifier: str, expected: float) -> float:
    """Noise that the pixels of an amplifier can have; what scatters more are defects.

    Parameters
    ----------
    image, amplifier
        A combination with the variances of its pixels, or a single image in electrons; name.
    expected
        Level of the detector.

    Returns
    -------
    noise
        From the scatter among the images or that of photons, and of the responses; infinite if not known.
    """
    if image.variance is not None:
        values = image.variance[image.amplifiers[amplifier].box]
        variance = float(np.median(known)) if (known := values[np.isfinite(values)]).size else math.nan
    else:
        variance = max(expected, 0.0) + MOST_READ_NOISE**2
        if image.unit != "electron":
            return math.inf
    noise = MARGIN * math.sqrt(variance + (RESPONSES * expected) ** 2)
    return noise if math.isfinite(noise) else math.inf


def level_and_noise(
    pixels: NDArray[np.float32], expected: float, most: float = math.inf
) -> tuple[float, float]:
    """Level of those pixels of an amplifier that agree with the rest of the detector, and their noise.

    Three quarters of the pixels may be defects: of the quartiles the one nearest to the expected level is
    where the good pixels are, and the narrower side of the distribution is theirs.

    Parameters
    ----------
    pixels
        Of one amplifier in a combination, any shape; those that are not finite are left out.
    expected, most
        Level of the other amplifiers, and noise that there can be.

    Returns
    -------
    level, noise
        Mean of the pixels within five sigma of there, and sigma; NaN if there are none.
    """
    values = pixels[np.isfinite(pixels)]
    if values.size == 0:
        return math.nan, math.nan
    low, middle, high = np.percentile(values, (25, 50, 75))
    centre = min((middle, low, high), key=lambda each: abs(each - expected))
    noise = min(1.4826 * float(min(high - middle, middle - low)), most)
    near = values[np.abs(values - centre) <= NOISE_LIMIT * noise]
    return float(np.mean(near, dtype=np.float64)) if near.size else float(centre), noise


def fill_columns(bad: NDArray[np.bool_], *, suspicious: int, gap: int) -> NDArray[np.bool_]:
    """Fill a column with many bad pixels between the first and the last of them.

    Parameters
    ----------
    bad
        Bad pixels of an amplifier, shape (rows, columns).
    suspicious, gap
        Least number of bad pixels in such a column; so many good pixels in a row stay good.

    Returns
    -------
    filled
        Bad pixels, same shape.
    """
    filled = bad.copy()
    columns = np.count_nonzero(bad, axis=0) >= suspicious
    padded = np.pad(bad[:, columns], ((gap, gap), (0, 0)))  # the image must not end within a gap
    filled[:, columns] = ndimage.binary_closing(padded, np.ones((gap, 1)))[gap:-gap]
    return filled
