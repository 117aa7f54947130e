"""Amplifiers as an operator names them: the detector by id or name, and the amplifier."""

from __future__ import annotations

from typing import Any

from ..domain.instruments import Instrument

__all__ = ["amplifier_named", "as_texts"]


def as_texts(value: Any) -> Any:
    """Write amplifiers that are given in another way as the option has them.

    Parameters
    ----------
    value
        A list; one entry is as good as a list of it, and a pair or a mapping of detector and amplifier as
        their names with a blank between them.

    Returns
    -------
    value
        A list of texts; what is not understood is as it was.
    """
    one = isinstance(value, (str, dict)) or _is_pair(value)
    entries = [value] if one else value
    return [_as_text(each) for each in entries] if isinstance(entries, list) else value


def _as_text(entry: Any) -> Any:
    pair = [entry.get(key) for key in ("detector", "amplifier")] if isinstance(entry, dict) else entry
    return f"{pair[0]} {pair[1]}" if _is_pair(pair) else entry


def _is_pair(value: Any) -> bool:
    """Whether these are an id or name of a detector, and a name of an amplifier."""
    if not isinstance(value, list) or len(value) != 2 or isinstance(value[0], bool):
        return False
    return isinstance(value[0], (int, str)) and all(len(str(each).split()) == 1 for each in value)


def amplifier_named(entry: str, instrument: Instrument) -> tuple[str, str]:
    """Find the amplifier that is meant.

    Parameters
    ----------
    entry, instrument
        E.g. ``94 C05`` or ``R22_S11 C05``, and whose amplifier it is.

    Returns
    -------
    detector, amplifier
        Their names.

    Raises
    ------
    ValueError
        There is none.
    """
    detectors = instrument.detectors
    words = entry.replace(",", " ").split()
    example = f"{next(iter(detectors.values()))} {instrument.amplifiers[5]}"
    if len(words) != 2:
        raise ValueError(f"{entry!r:.80} is no amplifier; write detector and amplifier, e.g. {example}")
    name, amplifier = words[0].upper(), words[1].upper()
    if name.isdecimal() and name.isascii() and int(name) in detectors:
        name = detectors[int(name)]
    if name not in detectors.values():
        raise ValueError(f"{entry!r:.80}: {instrument.name} has no detector {words[0]!r:.40}; e.g. {example}")
    if amplifier not in instrument.amplifiers:
        first, last = instrument.amplifiers[0], instrument.amplifiers[-1]
        raise ValueError(f"{entry!r:.80}: there is no amplifier {words[1]!r:.40}; {first} to {last}")
    return name, amplifier
