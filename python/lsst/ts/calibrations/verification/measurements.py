"""What the tests compare: value, reference and limits of each, from the statistics that cp_verify stores.

cp_verify stores whether a test passed and what was measured, and not what it was compared with. The criteria
are those of DMTN-101 and cp_verify. What is not among its statistics (e.g. the nominal noise) is read from
what the pipelines of this project add to METADATA, by amplifier and test: ``REFERENCES``, ``LIMITS``, and
``ADDED``, the values of tests that cp_verify does not have. It is None where they have not added it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Measurement", "inner_mapping", "measurement"]

TOLERANCE = 0.05
"""Relative deviation that the tests allow (DMTN-101)."""

TURNOFF = 90_000.0  # signal [electron] up to which a photon transfer curve must be followed (DMTN-101, 16)
NOISE_SCATTER = 1.25  # standard deviation of the overscan noise over the pairs that is allowed [adu]


class Measurement(NamedTuple):
    """What a test compared; None for what is not known."""

    value: float | None = None
    """What was measured."""
    reference: float | None = None
    """What it should be."""
    lowest: float | None = None
    """Lowest value that passes; None if there is none, or it is not known."""
    highest: float | None = None
    """Highest value that passes."""
    unit: str = ""
    """Unit of all of these."""

    def passes(self) -> bool:
        """Compare the value with the limits, as far as they are known."""
        value = math.nan if self.value is None else self.value
        lowest = -math.inf if self.lowest is None else self.lowest
        highest = math.inf if self.highest is None else self.highest
        return lowest <= value <= highest


@dataclass(frozen=True)
class _Statistics:
    """The statistics of a detector, or of one of its amplifiers."""

    stored: Mapping[str, Any]
    amplifier: str | None

    def __call__(self, name: str) -> float | None:
        """A value that was measured."""
        level = ("DET",) if self.amplifier is None else ("AMP", self.amplifier)
        return _number(_inner(self.stored, *level, name))

    def added(self, key: str, *names: str) -> Any:
        """What METADATA has."""
        return _inner(
            self.stored, "METADATA", key, *(() if self.amplifier is None else (self.amplifier,)), *names
        )


_Criterion = Callable[[_Statistics], Measurement]


def measurement(
    calibration: str, amplifier: str | None, test: str, passed: bool, statistics: Mapping[str, Any]
) -> Measurement:
    """Find what a test of a detector or amplifier compared.

    Parameters
    ----------
    calibration, amplifier, test
        E.g. ``BIAS``, ``C05`` and ``NOISE``; no amplifier for a test of the whole detector, and no
        calibration for one of a whole exposure.
    passed
        Whether it passed. Limits that say otherwise are not those that were used, and are left out.
    statistics
        ``verify<X>DetStats``; of a test of a whole exposure its own values in the place of DET.

    Returns
    -------
    measurement
        What is known.
    """
    found = _compared(calibration, test, _Statistics(statistics, amplifier))
    known = found.value is not None and (found.lowest, found.highest) != (None, None)
    return found._replace(lowest=None, highest=None) if known and found.passes() != passed else found


def _compared(calibration: str, test: str, statistics: _Statistics) -> Measurement:
    """What a test compared by its criterion, or, where that is not known, as far as it is stored."""
    criterion = _CRITERIA.get((calibration, "DET" if statistics.amplifier is None else "AMP"), {}).get(test)
    if criterion is not None:
        found = criterion(statistics)
    else:
        value = _number(statistics.added("ADDED", test))
        found = Measurement(
            statistics(test) if value is None else value, _number(statistics.added("REFERENCES", test))
        )
    limits = statistics.added("LIMITS", test)
    if isinstance(limits, (list, tuple)) and len(limits) == 2:
        found = found._replace(lowest=_number(limits[0]), highest=_number(limits[1]))
    return found


def inner_mapping(measured: Any, key: str) -> Mapping[str, Any]:
    """Find a mapping within another one.

    Parameters
    ----------
    measured, key
        The outer one, and where.

    Returns
    -------
    mapping
        With keys that are text; empty if there is none.
    """
    value = _inner(measured, key)
    return {str(name): each for name, each in value.items()} if isinstance(value, Mapping) else {}


def _inner(values: Any, *names: str) -> Any:
    """A value within nested mappings; None if it is not there."""
    for name in names:
        values = values.get(name) if isinstance(values, (dict, Mapping)) else None  # a dict is seen at once
    return values


def _number(value: Any) -> float | None:
    """A finite number, or None."""
    try:
        return float(value) if math.isfinite(value) else None
    except (TypeError, ValueError, OverflowError):
        return None


def _times(value: float | None, factor: float | None) -> float | None:
    return None if value is None or factor is None else value * factor


def _within(value: float | None, reference: float | None, unit: str) -> Measurement:
    """A value that may deviate from its reference by the usual tolerance."""
    if reference is None or reference <= 0.0:
        return Measurement(value, reference, unit=unit)
    return Measurement(value, reference, (1.0 - TOLERANCE) * reference, (1.0 + TOLERANCE) * reference, unit)


def _level(found: _Statistics) -> Measurement:
    noise = found("NOISE")
    return Measurement(found("MEAN"), 0.0, _times(noise, -1.0), noise, "electron")


def _photon_noise(found: _Statistics) -> Measurement:
    mean = found("MEAN")
    highest = math.sqrt(mean) if mean is not None and mean > 0.0 else None
    return Measurement(found("NOISE"), highest, None, highest, "electron")


def _overscan_noise(found: _Statistics) -> Measurement:
    reference = _number(found.added("REFERENCES", "READ_NOISE_CONSISTENT"))
    highest = _times(reference, 1.0 + TOLERANCE)
    return Measurement(_number(found.added("READ_NOISE_ADU")), reference, None, highest, "adu")


def _at_most(name: str, other: str, unit: str = "electron") -> _Criterion:
    return lambda found: Measurement(found(name), found(other), None, found(other), unit)


def _plain(name: str, unit: str) -> _Criterion:
    """A value that the pipelines compare with what they add to ``LIMITS``."""
    return lambda found: Measurement(found(name), unit=unit)


def _added(name: str, unit: str) -> _Criterion:
    """A value of the pipelines' own, whose reference and limits they add as well."""
    return lambda found: Measurement(
        _number(found.added("ADDED", name)), _number(found.added("REFERENCES", name)), unit=unit
    )


_LEFT = {name: _plain(name, "pixel") for name in ("COLD_LEFT", "BRIGHT_LEFT", "HOT_LEFT")}

_DARK_IMAGE: Mapping[str, _Criterion] = {
    "MEAN": _level,
    "NOISE": lambda found: _within(found("NOISE"), _number(found.added("REFERENCES", "NOISE")), "electron"),
    "CR_NOISE": lambda found: _within(found("NOISE"), found("CR_NOISE"), "electron"),
    "READ_NOISE_CONSISTENT": _overscan_noise,
    "LEVEL": _added("LEVEL", "electron"),
    "DARK_CURRENT": _added("DARK_CURRENT", "electron/s"),
}

# What the tests of amplifiers and detectors compare, by calibration, and those of whole exposures.
_CRITERIA: Mapping[tuple[str, str], Mapping[str, _Criterion]] = {
    ("BIAS", "AMP"): _DARK_IMAGE,
    ("DARK", "AMP"): _DARK_IMAGE,
    ("FLAT", "AMP"): {"NOISE": _photon_noise, "NOISE_FLOOR": _added("NOISE_FLOOR", "electron")},
    ("DEFECTS", "DET"): {
        "MASKED": _plain("MASKED", "of all pixels"),
        "MASKED_AMPLIFIERS": _plain("MASKED_AMPLIFIERS", "amplifiers"),
        **_LEFT,
    },
    ("DEFECTS", "AMP"): {
        "MASKED": _plain("MASKED", "of all pixels"),
        **_LEFT,
        "OUTLIERS": _at_most("OUTLIERS", "UNMASKED_OUTLIERS", "pixel"),
        "STDEV": _at_most("STDEV", "UNMASKED_STDEV"),
        "MIN": lambda found: Measurement(
            found("MIN"), found("UNMASKED_MIN"), found("UNMASKED_MIN"), None, "electron"
        ),
        "MAX": _at_most("MAX", "UNMASKED_MAX"),
        "PROB_TEST": lambda found: Measurement(
            found("STAT_OUTLIERS"),
            found("DEFECT_PIXELS"),
            found("DEFECT_PIXELS"),
            found("DEFECT_PIXELS"),
            "pixel",
        ),
    },
    ("PTC", "AMP"): {
        "PTC_GAIN": lambda found: _within(found("PTC_GAIN"), found("AMP_GAIN"), "electron/adu"),
        "PTC_NOISE": lambda found: _within(found("PTC_NOISE"), found("AMP_NOISE"), "electron"),
        "PTC_TURNOFF": lambda found: Measurement(
            _times(found("PTC_TURNOFF"), found("PTC_GAIN")), None, TURNOFF, None, "electron"
        ),
        "PTC_BFE_A00": _plain("PTC_BFE_A00", "1/electron"),
        "PTC_CHI_SQUARE": _plain("PTC_CHI_SQUARE", "per degree of freedom"),
        "NOISE_SIGNAL_INDEPENDENCE": lambda found: Measurement(
            found("NOISE_SCATTER"), None, None, NOISE_SCATTER, "adu"
        ),
    },
    ("FLAT", "DET"): {
        "SCATTER": lambda found: Measurement(
            found("SCATTER"), None, None, _times(found("MEAN"), TOLERANCE), "electron"
        )
    },
    # This limit is no ratio in cp_verify (verifyFlat).
    ("", "DET"): {"SCATTER": lambda found: Measurement(found("SCATTER"), None, None, TOLERANCE, "electron")},
}
