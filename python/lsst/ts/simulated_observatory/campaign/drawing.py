"""Scenarios drawn from seeds, and shrunk: of one that violates something the smallest that does, too.

Hypothesis draws from bytes, here those of a seed, and is then asked for a smaller example; what comes first
in a list of choices is what shrinking prefers. A seed gives the same scenario with the same versions of this
package and of Hypothesis; what is to stay is kept as data.
"""

from __future__ import annotations

import contextlib
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.errors import Flaky

from lsst.ts.calibrations.domain.calibrations import products
from lsst.ts.calibrations.domain.instruments import LATISS, LSSTCOMCAM, ImageType, Instrument

from ..faults.kinds import KINDS
from ..stand_ins.measurements import Disturbance
from .scenario import Act, Interruption, Scenario

__all__ = ["draw_scenario", "smallest_scenario"]

LENGTH = 4096
"""Bytes from which a scenario is drawn: more than any needs."""

SHRINKING = 120.0
"""Seconds after which a scenario is taken as it has become."""

MOST_FAULTS = 3
"""Faults of a scenario."""

MODES = ("BIAS",) * 3 + ("BIAS_DARK",) * 3 + ("BIAS_DARK_FLAT",) * 5 + ("DARK",)
"""Modes of the script, each as often as it is to be drawn."""

ACTS = (None,) * 12 + (Act.KILL,) * 3 + (Act.STOP,) * 3 + (Act.PAUSE,) * 2 + (Act.TERM, Act.STOP_PAUSED)
"""What is done to the script, each as often as it is to be drawn."""

OF_RESULTS = ("butler-", "verify-", "certify")
"""How the names of faults begin of which there is more to see when calibrations are made."""

MESSAGES = tuple(round(2.0 ** (step / 16)) for step in range(64, 161))
"""Numbers of messages on the bus, evenly on a logarithmic scale: short and long runs are met alike."""


def draw_scenario(seed: int, focus: Sequence[str] = ()) -> Scenario:
    """Draw a scenario.

    Parameters
    ----------
    seed
        The same seed and focus give the same scenario.
    focus
        Names of faults, one of which shall be among its faults; or ``interruption``: there shall be one.

    Returns
    -------
    scenario
        One that the script accepts, with that seed.
    """
    drawn: list[Scenario] = []
    _draw(_test(drawn.append, focus), seed, focus)
    return replace(drawn[-1], seed=seed)


def smallest_scenario(
    seed: int, violates: Callable[[Scenario], object], focus: Sequence[str] = (), seconds: float = SHRINKING
) -> Scenario:
    """Shrink a scenario that violates an invariant.

    Parameters
    ----------
    seed, focus
        Of the scenario.
    violates
        Whether a scenario violates the same invariant.
    seconds
        After this time the smallest scenario that was found so far is returned.

    Returns
    -------
    scenario
        One from which nothing can be left out, or the smallest found in time. If the first one violates
        nothing when it is played again, it is returned as it was.
    """
    end = time.monotonic() + seconds
    known: dict[str, bool] = {}
    smallest = [draw_scenario(seed, focus)]

    def look(scenario: Scenario) -> None:
        key = repr(scenario)
        if key not in known:
            if known and time.monotonic() >= end:
                raise _OutOfTime
            known[key] = bool(violates(replace(scenario, seed=seed)))
        if known[key]:
            smallest.append(replace(scenario, seed=seed))
            raise _Violated

    test = _test(look, focus)
    try:
        _draw(test, seed, focus)  # it is remembered as an example
    except _Violated:
        with contextlib.suppress(_Violated, _OutOfTime, Flaky):
            test()
    return smallest[-1]


class _Violated(Exception):
    """A scenario violates what it is to violate."""


class _OutOfTime(BaseException):
    """No more is tried: no exception of a test, which Hypothesis would go on with."""


def _test(look: Callable[[Scenario], object], focus: Sequence[str]) -> Callable[[], None]:
    """A Hypothesis test that replays and shrinks its examples, and tries no others."""

    @settings(
        database=InMemoryExampleDatabase(),
        phases=(Phase.reuse, Phase.shrink),
        deadline=None,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(_scenarios(tuple(focus)))
    def test(scenario: Scenario) -> None:
        look(scenario)

    return test


def _draw(test: Callable[[], None], seed: int, focus: Sequence[str]) -> None:
    """Let a test look at the scenario of a seed."""
    rng = random.Random(f"{seed} {sorted(focus)}")  # noqa: S311
    cast(Any, test).hypothesis.fuzz_one_input(rng.randbytes(LENGTH))


def _chance(percent: int) -> st.SearchStrategy[bool]:
    """True in so many cases out of a hundred; False is simpler."""
    return st.integers(0, 99).map(lambda number: number >= 100 - percent)


@st.composite
def _scenarios(draw: st.DrawFn, focus: Sequence[str]) -> Scenario:
    """Scenarios that the script accepts, with the seed 0."""
    comcam = "oods-one-detector" in focus or draw(_chance(20))
    instrument = LSSTCOMCAM if comcam else LATISS
    options = draw(_options(instrument, results=any(name.startswith(OF_RESULTS) for name in focus)))
    plain = Scenario(0, instrument, options)
    interruption = draw(_interruptions("interruption" in focus))
    return replace(
        plain,
        faults=draw(_faults(plain, focus)),
        disturbances=draw(_disturbances(plain)),
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
    for product in products():
        options[product.option] = flats and draw(_chance(25))
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
    if draw(_chance(20)):  # of the first detector in use
        name = instrument.detectors[options.get("detectors", [0])[0]]
        bad = draw(st.lists(st.sampled_from(instrument.amplifiers), min_size=1, max_size=6, unique=True))
        options["known_bad_amplifiers"] = [f"{name} {each}" for each in bad]
        options["max_known_bad_amplifiers"] = draw(st.sampled_from((4, 4, 8, 1, 0)))
    return options


@st.composite
def _disturbances(draw: st.DrawFn, scenario: Scenario) -> dict[ImageType, tuple[Disturbance, ...]]:
    """Noise near the limits of the acceptance rule: of amplifiers in an exposure, and of exposures."""
    found = {}
    for kind in scenario.kinds:
        number, noise = scenario.number[kind], list[Disturbance]()
        if scenario.options.get("generate_calibrations") and number > 1 and draw(_chance(85)):
            # Images have 1 / n of the noise in common with their own combination: too quiet to verify, unless
            # the camera has become so much noisier.
            noise.append(Disturbance(factor=math.sqrt(number / (number - 1))))
        if draw(_chance(30)):
            threshold = scenario.options[f"number_verification_tests_threshold_{kind.lower()}"]
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


@st.composite
def _faults(draw: st.DrawFn, scenario: Scenario, focus: Sequence[str]) -> tuple[str, ...]:
    """Specifications of faults of different names, one of which is in the focus if there are faults in it."""
    wanted = [name for name in focus if name in KINDS]
    possible = [name for name in KINDS if _is_possible(name, scenario)]
    often = [*possible, *2 * [name for name in possible if KINDS[name].rare]]
    # Name and conditions are drawn together, so that shrinking can leave out a fault as a whole.
    least = draw(st.sampled_from((0, 1, 1, 1, 1, 1)))
    found = draw(
        st.lists(_specifications(often, scenario), min_size=least, max_size=MOST_FAULTS, unique_by=_name_of)
    )
    if wanted and not set(wanted) & set(map(_name_of, found)):
        found = [draw(_specifications(wanted, scenario)), *found[1:]]
    return tuple(found)


def _name_of(specification: str) -> str:
    return specification.partition(":")[0]


def _is_possible(name: str, scenario: Scenario) -> bool:
    """Whether a fault can strike at all."""
    if name == "oods-one-detector":
        return bool(scenario.options.get("detectors", [0]) != [0])
    return name != "butler-conflict" or bool(scenario.options.get("generate_calibrations"))


@st.composite
def _specifications(draw: st.DrawFn, names: Sequence[str], scenario: Scenario) -> str:
    """One fault of several, with some of its conditions, such that they have a chance to hold."""
    name = draw(st.sampled_from(names))
    options, instrument = KINDS[name].options, scenario.instrument
    detectors = scenario.options.get("detectors", [0])
    makes = scenario.options.get("generate_calibrations")
    values: dict[str, object] = {}
    conditions: Mapping[str, st.SearchStrategy[object]] = {
        "image": st.integers(1, scenario.images),
        "detector": st.sampled_from(detectors).map(instrument.detectors.__getitem__),
        "calibration": st.sampled_from([kind.value for kind in scenario.kinds]),
        "kind": st.sampled_from(("verify", "generate") if makes else ("verify",)),
        "times": st.sampled_from((1, 2)),
    }
    needed: dict[str, Sequence[object]] = dict(KINDS[name].drawn)
    if "component" in options:
        needed["component"] = (*instrument.components, f"OCPS:{instrument.ocps_index}")
    if name == "ocps-configuration":
        needed["instrument"] = [each for each in options["instrument"].choices if each != instrument.name]
    if "collection" in options:
        needed["collection"] = (scenario.options.get("calib_collection"),)
    for key, choices in needed.items():
        values[key] = draw(st.sampled_from(choices))
    for key, strategy in conditions.items():
        if key in options and key not in values and draw(st.booleans()):
            values[key] = draw(strategy)
    text = ",".join(f"{key}={value}" for key, value in values.items())
    return f"{name}:{text}" if text else name
