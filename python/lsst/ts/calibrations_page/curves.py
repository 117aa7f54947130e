"""Photon transfer curves: variance against mean with the fit, residuals, and what the fit found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .html import Markup, figure, table
from .results import number
from .svg import Axis, Plot

__all__ = ["MOST_DETECTORS", "curve_figures", "curve_table", "model_variance"]

MOST_DETECTORS = 9
"""Detectors whose curves are shown."""

_Row = Mapping[str, Any]


def model_variance(mean: float, gain: float, noise: float, a00: float) -> float:
    """Variance of a flat by the exponential approximation (Astier et al. 2019, equation 16).

    Parameters
    ----------
    mean, gain, noise
        Of a flat [adu], [electron/adu] and read noise [electron].
    a00
        Brighter-fatter coefficient [1/electron], negative.

    Returns
    -------
    variance
        Of one image [adu^2].
    """
    growth = 2.0 * a00 * mean * gain
    shot = mean / gain if abs(growth) < 1e-9 else math.expm1(growth) / (2.0 * gain * gain * a00)
    return shot + (noise / gain) ** 2


def curve_table(name: str, rows: Sequence[_Row]) -> Markup:
    """Show what the fits found.

    Parameters
    ----------
    name, rows
        Of the detector, and its ``curves`` of ``summary.json``.

    Returns
    -------
    markup : Markup
    """
    head = ["amplifier", "gain [electron/adu]", "error", "read noise [electron]", "a00 [1/electron]"]
    head += ["turnoff [adu]", "turnoff [electron]", "pairs used"]
    cells = []
    for each in rows:
        gain, turnoff = each["gain"], each["turnoff"]
        electron = None if gain is None or turnoff is None else gain * turnoff
        values = [gain, each["gain_error"], each["noise"], each["a00"], turnoff, electron]
        used = f"{sum(each['used'])} of {len(each['means'])}" if each["used"] else "unknown"
        cells.append([each["amplifier"], *map(number, values), used])
    return table(f"{name}: what the fits found", head, cells)


def curve_figures(rows: Sequence[_Row]) -> Iterator[Markup]:
    """Draw variance against mean with the fit, and the residuals, of each amplifier.

    Parameters
    ----------
    rows
        ``curves`` of ``summary.json``, of one detector.

    Yields
    ------
    markup
        A figure for each amplifier that has a curve.
    """
    for each in rows:
        pairs = [
            (mean, variance, used)
            for mean, variance, used in zip(
                each["means"], each["variances"], each["used"] or [True] * len(each["means"]), strict=True
            )
            if mean is not None and variance is not None
        ]
        if pairs:
            yield _figure(each, pairs)


def _figure(row: _Row, pairs: Sequence[tuple[float, float, bool]]) -> Markup:
    name, fit = row["amplifier"], [row["gain"], row["noise"], row["a00"]]
    x = Axis(0.0, 1.05 * max(each[0] for each in pairs))
    y = Axis.over([0.0, *(each[1] for each in pairs)], "variance [adu²]")
    plot = Plot(x, y, f"Photon transfer curve of {name}", (300.0, 165.0))
    known = [each for each in fit if each is not None]
    if len(known) < 3 or not known[0] > 0.0:
        for mean, variance, _ in pairs:
            plot.dot(
                mean,
                variance,
                f"{name}: mean {number(mean)} adu, variance {number(variance)} adu²",
                "dot off",
            )
        return figure(f"{name}: no fit", plot.draw())
    gain, noise, a00 = known
    steps = [x.high * step / 40.0 for step in range(41)]
    plot.line([(each, model_variance(each, gain, noise, a00)) for each in steps], "fit", "fit")
    off = [100.0 * (variance / model_variance(mean, gain, noise, a00) - 1.0) for mean, variance, _ in pairs]
    most = min(max(1.0, *map(abs, off)), 10.0)
    x, y = Axis(0.0, x.high, "mean [adu]"), Axis(-1.15 * most, 1.15 * most, "off [%]")
    rest = Plot(x, y, f"Residuals of the curve of {name}", (300.0, 115.0))
    rest.across(0.0, "fit")
    for (mean, variance, used), residual in zip(pairs, off, strict=True):
        title = f"{name}: mean {number(mean)} adu, variance {number(variance)} adu²"
        title += f"\n{residual:+.2f} % off the fit"
        title += "" if used else "; not used by the fit"
        plot.dot(mean, variance, title, "dot" if used else "dot off")
        rest.dot(mean, residual, title, "dot" if used else "dot off")
    return figure(
        f"{name}: gain {number(gain)} electron/adu, a00 {number(a00)} /electron", plot.draw(), rest.draw()
    )
