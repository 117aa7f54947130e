"""A scenario: what is asked of the script, what goes wrong, what the operator does; drawn from one seed."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCOMCAM, ImageType, Instrument

from ..stand_ins.measurements import Disturbance
from .fault_draws import draw_faults
from .interruption import Interruption, draw_interruption

__all__ = ["Scenario", "draw_scenario"]

MODES = {"BIAS": 3, "BIAS_DARK": 3, "BIAS_DARK_FLAT": 5, "DARK": 1}
"""Modes of the script and how often they are drawn."""


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    Parameters
    ----------
    seed
        From which it was drawn.
    instrument
        Whose calibrations.
    options
        Configuration of the script, as far as it is not the default.
    faults
        Specifications of what goes wrong.
    disturbances
        Noise of the detectors that comes and goes, by image type.
    interruption
        What the operator, or the machine, does to the script; None: nothing.
    resumed
        Whether a run that was interrupted is resumed, with nothing going wrong any more.
    """

    seed: int
    instrument: Instrument
    options: Mapping[str, Any]
    faults: tuple[str, ...] = ()
    disturbances: Mapping[ImageType, tuple[Disturbance, ...]] = field(default_factory=dict)
    interruption: Interruption | None = None
    resumed: bool = False

    @property
    def text(self) -> str:
        """Configuration text."""
        return yaml.safe_dump(dict(self.options), sort_keys=False)

    def wants(self, option: str, default: Any = False) -> Any:
        """Value of an option."""
        return self.options.get(option, default)

    @property
    def kinds(self) -> tuple[ImageType, ...]:
        """Image types that are asked for."""
        return tuple(kind for kind in ImageType if kind in str(self.options["script_mode"]).split("_"))

    def number(self, kind: ImageType) -> int:
        """How many images of a type are to be kept."""
        return int(self.options[f"n_{kind.lower()}"])

    def discarded(self, kind: ImageType) -> int:
        """How many images of a type are taken before those."""
        return int(self.options[f"n_discard_{kind.lower()}"])

    @property
    def images(self) -> int:
        """How many images are to be taken."""
        return sum(self.number(kind) + self.discarded(kind) for kind in self.kinds)

    def describe(self) -> list[str]:
        """The scenario in words, one line each."""
        lines = [f"seed {self.seed}: {self.instrument.name}, {self.text.replace(chr(10), '; ')}"]
        lines += [f"fault: {fault}" for fault in self.faults]
        lines += [
            f"noise: x {each.factor:.3f} in {each.amplifiers or 'all'} amplifiers of"
            f" {'all' if each.exposures is None else f'the first {each.exposures}'} {kind} images"
            for kind, noise in self.disturbances.items()
            for each in noise
        ]
        lines += [str(self.interruption)] if self.interruption else []
        return lines + (["then it is resumed"] if self.resumed else [])


def draw_scenario(seed: int, focus: Sequence[str] = ()) -> Scenario:
    """Draw a scenario.

    Parameters
    ----------
    seed
        The same seed and focus give the same scenario.
    focus
        Names of faults, one of which shall be among its faults; or ``interruption``: there shall be one.
    """
    rng = random.Random(f"{seed} {sorted(focus)}")  # noqa: S311
    instrument = LSSTCOMCAM if rng.random() < 0.2 or "oods-one-detector" in focus else LATISS
    options = _draw_options(rng, instrument, jobs=any(name.startswith(_JOBS) for name in focus))
    kinds = [kind for kind in ImageType if kind in options["script_mode"].split("_")]
    images = sum(options[f"n_{kind.lower()}"] + options[f"n_discard_{kind.lower()}"] for kind in kinds)
    faults = draw_faults(rng, instrument, options, images, focus)
    disturbances = _draw_disturbances(rng, options, kinds)
    interruption = draw_interruption(rng, always="interruption" in focus)
    return Scenario(
        seed=seed,
        instrument=instrument,
        options=options,
        faults=faults,
        disturbances=disturbances,
        interruption=interruption,
        resumed=interruption is not None and interruption.ends and rng.random() < 0.7,
    )


_JOBS = ("butler-", "verify-", "certify")
"""Faults of which there is more to see when calibrations are made."""


def _draw_options(rng: random.Random, instrument: Instrument, *, jobs: bool) -> dict[str, Any]:
    (mode,) = rng.choices(list(MODES), list(MODES.values()))
    makes = rng.random() < (0.8 if jobs else 0.45)
    options: dict[str, Any] = {"script_mode": mode, "generate_calibrations": makes}
    for kind in ImageType:
        name = kind.lower()
        options[f"n_{name}"] = rng.choice((1, 2, 2, 3, 4))
        options[f"n_discard_{name}"] = rng.choice((0, 0, 1))
        options[f"number_verification_tests_threshold_{name}"] = rng.choice((8, 8, 8, 1, 4, 16))
    options["exp_times_dark"] = rng.choice((1, 5, 15))
    options["exp_times_flat"] = rng.choice((1, 5))
    options["do_verify"] = rng.random() < 0.93
    options["do_gain_from_flat_pairs"] = rng.random() < 0.5
    flats = mode == "BIAS_DARK_FLAT" and (makes or options["do_verify"])  # or nothing is certified
    options["do_defects"] = flats and rng.random() < 0.25
    options["do_ptc"] = flats and rng.random() < 0.25
    if options["do_ptc"]:  # it needs pairs at several exposure times
        options |= {"n_flat": 6, "n_discard_flat": 0, "exp_times_flat": [2, 2, 5, 5, 9, 9]}
    options["calib_collection"] = f"{instrument.name}/calib/u/campaign/daily.1"
    options["certify_calib_begin_date"] = "2025-01-01"
    options["certify_calib_end_date"] = "2025-06-01"
    options["wait_between_exposures"] = rng.choice((0, 0, 0, 3))
    options["oods_timeout"] = rng.choice((20, 60, 120))
    options["job_timeout"] = rng.choice((60, 600, 3600))
    if instrument is LSSTCOMCAM:
        options["detectors"] = rng.choice(([0, 1], [0, 1, 2], [1]))
    return options


def _draw_disturbances(
    rng: random.Random, options: Mapping[str, Any], kinds: Sequence[ImageType]
) -> dict[ImageType, tuple[Disturbance, ...]]:
    """Noise near the limits of the acceptance rule: of amplifiers in an exposure, and of exposures."""
    found = {}
    for kind in kinds:
        number, noise = options[f"n_{kind.lower()}"], list[Disturbance]()
        if options["generate_calibrations"] and number > 1 and rng.random() < 0.85:
            # Images have 1 / n of the noise in common with their own combination: too quiet to verify, unless
            # the camera has become so much noisier.
            noise.append(Disturbance(factor=math.sqrt(number / (number - 1))))
        if rng.random() < 0.3:
            threshold = options[f"number_verification_tests_threshold_{kind.lower()}"]
            amplifiers = min(16, max(0, threshold + rng.choice((-1, 0, 0, 1))))
            limit = int((number + 1) / 2) + 1
            noise.append(Disturbance(max(0, limit + rng.choice((-1, -1, 0, 0, 1))), amplifiers))
        if noise:
            found[kind] = tuple(noise)
    return found
