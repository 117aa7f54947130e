"""The report on the gains that were measured with pairs of flats."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any, TypeGuard

__all__ = ["gain_line", "gain_table", "shortest_pairs"]

MOST_LISTED = 2000
"""Most gains that the report says why they are not known; ``summary.json`` has all."""


def gain_table(gains: Sequence[Mapping[str, Any]], times: Mapping[int, float] | None = None) -> str:
    """Show the mean gain of every amplifier over the pairs of flats that are good, and why others are not.

    As measured it rises with the light. So of several exposure times the mean is that of the shortest at
    which the amplifier has a gain.

    Parameters
    ----------
    gains
        As in ``summary.json``: ``exposures`` (first, second), ``detector``, ``amplifier``, ``gain`` as
        measured and ``gain_corrected`` for the brighter-fatter effect [electron/adu], ``noise`` (read noise
        [electron]). What could not be measured is None, and ``reason`` says why.
    times
        Exposure time [s] of each exposure; without it all count as equal.

    Returns
    -------
    table
        Lines of text.
    """
    return "\n".join([*_mean_lines(gains, times or {}), *_pair_lines(gains)])


def gain_line(gains: Sequence[Mapping[str, Any]]) -> str:
    """Say in a line what the gains are.

    Parameters
    ----------
    gains
        As for `gain_table`.

    Returns
    -------
    line
        Number of pairs and amplifiers, and the range of the corrected gains.
    """
    known = [each["gain_corrected"] for each in gains if _is_known(each["gain_corrected"])]
    pairs = len({tuple(each["exposures"]) for each in gains})
    of = len({(each["detector"], each["amplifier"]) for each in gains})
    n = len({(each["detector"], each["amplifier"]) for each in gains if _is_known(each["gain_corrected"])})
    values = f"{min(known):.3f} to {max(known):.3f} electron/adu" if known else "none could be measured"
    return (
        f"Gains of {f'{n} of {of}' if 0 < n < of else of} amplifiers from {pairs}"
        f" pair{'s' if pairs != 1 else ''} of flats: {values}, corrected for the brighter-fatter effect."
    )


def _mean_lines(gains: Sequence[Mapping[str, Any]], times: Mapping[int, float]) -> Iterator[str]:
    several = len({times.get(each["exposures"][0], 0.0) for each in gains}) > 1
    by_amplifier: dict[tuple[Any, str], list[Mapping[str, Any]]] = {}
    for each in gains:
        by_amplifier.setdefault((each["detector"], each["amplifier"]), []).append(each)
    quoted = {amplifier: shortest_pairs(measured, times) for amplifier, measured in by_amplifier.items()}
    shortest = min((time for time, _ in quoted.values() if time is not None), default=0.0)
    of_shortest = (
        f", from the shortest pairs, of {shortest:g} s; 'corrected' is to be quoted" if several else ""
    )
    yield f"Mean gain [electron/adu] and read noise [electron] of each amplifier{of_shortest}:"
    yield f"    detector  amplifier    gain  corrected   noise     pairs{'  scatter' if several else ''}"
    for (detector, amplifier), (time, measured) in quoted.items():
        good = [each for each in measured if _is_known(each["gain_corrected"])]
        means = (_mean(each[name] for each in good) for name in ("gain", "gain_corrected", "noise"))
        pairs = f"{len(good)} of {len(measured)}"
        corrected = [each["gain_corrected"] for each in good]
        scatter = f"  {_number(stdev(corrected) if len(corrected) > 1 else None):>7}" if several else ""
        scatter += f"  from pairs of {time:g} s" if time is not None and time > shortest else ""
        yield f"    {detector!s:>8}  {amplifier:>9}  {_columns(*means)}  {pairs:>8}{scatter}"


def shortest_pairs(
    measured: Sequence[Mapping[str, Any]], times: Mapping[int, float]
) -> tuple[float | None, list[Mapping[str, Any]]]:
    """Choose the pairs of an amplifier that are quoted: of longer ones the brighter-fatter effect is larger.

    Parameters
    ----------
    measured, times
        Its gains, as for `gain_table`, and the exposure time [s] of each exposure, 0 where it is not known.

    Returns
    -------
    time, pairs
        The shortest exposure time at which the amplifier has a gain, and the pairs of that time; None and all
        of them if it has none.
    """
    time_of = [times.get(each["exposures"][0], 0.0) for each in measured]
    known = [time for time, each in zip(time_of, measured, strict=True) if _is_known(each["gain_corrected"])]
    if not known:
        return None, list(measured)
    return min(known), [each for time, each in zip(time_of, measured, strict=True) if time == min(known)]


def _pair_lines(gains: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What is not known of each pair, and why; what is known is in the files for programs."""
    yield f"The gains of single pairs, {len(gains)}, are in summary.json and gains.ecsv."
    missing = [each for each in gains if not _is_known(each["gain_corrected"])]
    for pair in dict.fromkeys(tuple(each["exposures"]) for each in missing[:MOST_LISTED]):
        yield f"Not known from the flats {' and '.join(map(str, pair))}:"
        for each in missing[:MOST_LISTED]:
            if tuple(each["exposures"]) == pair:
                values = _columns(each["gain"], each["gain_corrected"], each["noise"])
                yield f"    {each['detector']!s:>8}  {each['amplifier']:>9}  {values}  {each['reason'] or ''}"
    if len(missing) > MOST_LISTED:
        yield f"... and {len(missing) - MOST_LISTED} more"


def _columns(gain: float | None, corrected: float | None, noise: float | None) -> str:
    return f"{_number(gain):>6}  {_number(corrected):>9}  {_number(noise, 2):>6}"


def _number(value: float | None, digits: int = 4) -> str:
    return f"{value:.{digits}f}" if _is_known(value) else "none"


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if _is_known(value)]
    return fmean(known) if known else None


def _is_known(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)
