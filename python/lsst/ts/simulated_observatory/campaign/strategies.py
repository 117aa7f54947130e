"""Hypothesis strategies for scenarios: what comes first in a list of choices is what shrinking prefers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import strategies as st

from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCOMCAM, ImageType, Instrument

from ..stand_ins.measurements import Disturbance
from .fault_strategies import faults
from .interruption import Act, Interruption
from .scenario import Scenario

__all__ = ["scenarios"]

MODES = ("BIAS",) * 3 + ("BIAS_DARK",) * 3 + ("BIAS_DARK_FLAT",) * 5 + ("DARK",)
"""Modes of the script, each as often as it is to be drawn."""

ACTS = (None,) * 12 + (Act.KILL,) * 3 + (Act.STOP,) * 3 + (Act.PAUSE,) * 2 + (Act.TERM, Act.STOP_PAUSED)
"""What is done to the script, each as often as it is to be drawn."""

OF_RESULTS = ("butler-", "verify-", "certify")
"""How the names of faults begin of which there is more to see when calibrations are made."""

MESSAGES = tuple(round(2.0 ** (step / 16)) for step in range(64, 161))
"""Numbers of messages on the bus, evenly on a logarithmic scale: short and long runs are met alike."""


def _chance(percent: int) -> st.SearchStrategy[bool]:
    """True in so many cases out of a hundred; False is simpler."""
    return st.integers(0, 99).map(lambda number: number >= 100 - percent)


@st.composite
def scenarios(draw: st.DrawFn, focus: Sequence[str] = ()) -> Scenario:
    """Scenarios that the script accepts.

    Parameters
    ----------
    draw
        Given by Hypothesis.
    focus
        Names of faults, one of which each scenario has; or ``interruption``: each has one.

    Returns
    -------
    scenario
        With the seed 0.
    """
    comcam = "oods-one-detector" in focus or draw(_chance(20))
    instrument = LSSTCOMCAM if comcam else LATISS
    options = draw(_options(instrument, results=any(name.startswith(OF_RESULTS) for name in focus)))
    plain = Scenario(0, instrument, options)
    interruption = draw(_interruptions("interruption" in focus))
    return Scenario(
        seed=0,
        instrument=instrument,
        options=options,
        faults=draw(faults(plain, focus)),
        disturbances=draw(_disturbances(options, plain.kinds)),
        interruption=interruption,
        resumed=interruption is not None and interruption.ends and draw(_chance(70)),
    )


@st.composite
def _options(draw: st.DrawFn, instrument: Instrument, *, results: bool) -> dict[str, Any]:
    """Configurations; with `results` most of them make calibrations."""
    mode = draw(st.sampled_from(MODES))
    makes = draw(_chance(80 if results else 45))
    options: dict[str, Any] = {"script_mode": mode, "generate_calibrations": makes}
    for kind in ImageType:
        name = kind.lower()
        options[f"n_{name}"] = draw(st.sampled_from((1, 2, 2, 3, 4)))
        options[f"n_discard_{name}"] = draw(st.sampled_from((0, 0, 1)))
        options[f"number_verification_tests_threshold_{name}"] = draw(st.sampled_from((8, 8, 8, 1, 4, 16)))
    options["exp_times_dark"] = draw(st.sampled_from((1, 5, 15)))
    options["exp_times_flat"] = draw(st.sampled_from((1, 5)))
    options["do_verify"] = not draw(_chance(7))
    options["do_gain_from_flat_pairs"] = draw(_chance(50))
    flats = mode == "BIAS_DARK_FLAT" and (makes or options["do_verify"])  # or nothing is certified
    options["do_defects"] = flats and draw(_chance(25))
    options["do_ptc"] = flats and draw(_chance(25))
    if options["do_ptc"]:  # it needs pairs at several exposure times
        options |= {"n_flat": 6, "n_discard_flat": 0, "exp_times_flat": [2, 2, 5, 5, 9, 9]}
    options["calib_collection"] = f"{instrument.name}/calib/u/campaign/daily.1"
    options["certify_calib_begin_date"] = "2025-01-01"
    options["certify_calib_end_date"] = "2025-06-01"
    options["wait_between_exposures"] = draw(st.sampled_from((0, 0, 0, 3)))
    options["oods_timeout"] = draw(st.sampled_from((20, 60, 120)))
    options["job_timeout"] = draw(st.sampled_from((3600, 600, 60)))
    if instrument is LSSTCOMCAM:
        options["detectors"] = draw(st.sampled_from(([1], [0, 1], [0, 1, 2])))
    return options


@st.composite
def _disturbances(
    draw: st.DrawFn, options: Mapping[str, Any], kinds: Sequence[ImageType]
) -> dict[ImageType, tuple[Disturbance, ...]]:
    """Noise near the limits of the acceptance rule: of amplifiers in an exposure, and of exposures."""
    found = {}
    for kind in kinds:
        number, noise = options[f"n_{kind.lower()}"], list[Disturbance]()
        if options["generate_calibrations"] and number > 1 and draw(_chance(85)):
            # Images have 1 / n of the noise in common with their own combination: too quiet to verify, unless
            # the camera has become so much noisier.
            noise.append(Disturbance(factor=math.sqrt(number / (number - 1))))
        if draw(_chance(30)):
            threshold = options[f"number_verification_tests_threshold_{kind.lower()}"]
            amplifiers = min(16, max(0, threshold + draw(st.sampled_from((0, 0, -1, 1)))))
            limit = int((number + 1) / 2) + 1
            noise.append(Disturbance(max(0, limit + draw(st.sampled_from((0, 0, -1, -1, 1)))), amplifiers))
        if noise:
            found[kind] = tuple(noise)
    return found


@st.composite
def _interruptions(draw: st.DrawFn, always: bool) -> Interruption | None:
    """What happens to the script; with `always` never nothing."""
    act = draw(st.sampled_from(ACTS))
    if act is None and always:
        act = draw(st.sampled_from(tuple(Act)))
    if act is None:
        return None
    message = draw(st.sampled_from(MESSAGES))
    return Interruption(
        act, message, turn=draw(st.integers(0, 30)), wait=draw(st.sampled_from((1.0, 20.0, 400.0)))
    )
