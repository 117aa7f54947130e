"""At which size of a fault each test of verification fails, by injection into simulated exposures.

usage: python benchmarks/power.py [--scale N] [--exposures N] [--table]

Faults of growing size are injected into exposures of the simulated detector, which are processed and tested
as the verification pipelines do, with drawn reference calibrations. A test sees a size if it fails for the
faulty amplifiers (or the detector) in at least half of the exposures. Prints one JSON object: by image type,
fault and test the smallest size that is seen, null if none is. With ``--table``: the table of
``doc/explanation/power.rst``.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lsst.ts.calibrations.domain.instruments import LATISS, ImageType
from lsst.ts.calibrations.verification.results import UNCOUNTED_TESTS
from lsst.ts.simulated_observatory.cameras.image_names import image_name
from lsst.ts.simulated_observatory.cameras.models import DetectorModel, detector_model
from lsst.ts.simulated_observatory.components.optics import usual_optics
from lsst.ts.simulated_observatory.detector.exposure import simulate
from lsst.ts.simulated_observatory.faults.faults import Faults
from lsst.ts.simulated_observatory.pipelines.new_repository import camera_tables
from lsst.ts.simulated_observatory.repository.drawn_detector import (
    draw_calibrations,
    measure_pair,
    pipeline_task,
    raw_image,
)
from lsst.ts.simulated_observatory.repository.reference import ReferenceRequest
from lsst.ts.simulated_observatory.repository.reference_exposures import (
    ReferenceExposure,
    reference_exposures,
)

AMPLIFIER = "C05"
TIMES = {ImageType.BIAS: 0.0, ImageType.DARK: 30.0, ImageType.FLAT: 15.0}
"""Exposure times of the tested images, s."""

SEEN = 0.5
"""Part of the exposures in which a test has to fail."""


@dataclass(frozen=True)
class Injection:
    """A fault in images of a type.

    Parameters
    ----------
    image_type, about, fault
        Of the images, the words of the table, and the specification with ``{}`` for the size.
    sizes
        Growing.
    amplifier
        Which one has it; None: all of them.
    """

    image_type: ImageType
    about: str
    fault: str
    sizes: Sequence[float]
    amplifier: str | None = AMPLIFIER


_OF_ONE = f"amplifier={AMPLIFIER}"
INJECTIONS = (
    Injection(
        ImageType.BIAS,
        "read noise of an amplifier, factor",
        f"amplifier-noise:{_OF_ONE},factor={{}}",
        (1.01, 1.02, 1.03, 1.04, 1.05, 1.06, 1.08, 1.1, 1.2, 1.5),
    ),
    Injection(
        ImageType.BIAS, "common-mode noise, electron", "common-mode:noise={}", (1, 2, 3, 4, 5, 7, 10), None
    ),
    Injection(
        ImageType.BIAS,
        "hot pixels (3e5 electron/s), part of an amplifier",
        f"hot-pixels:{_OF_ONE},rate=300000,part={{}}",
        (1e-5, 1e-4, 1e-3, 0.01, 0.025, 0.05),
    ),
    Injection(
        ImageType.DARK,
        "light leak, electron/s",
        "light-leak:rate={}",
        (0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1, 3),
        None,
    ),
    Injection(
        ImageType.DARK,
        "glow of an amplifier, electron/s",
        f"amplifier-glow:{_OF_ONE},rate={{}}",
        (0.02, 0.05, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1, 3),
    ),
    Injection(
        ImageType.DARK,
        "hot pixels (5 electron/s), part of an amplifier",
        f"hot-pixels:{_OF_ONE},rate=5,part={{}}",
        (1e-4, 1e-3, 3e-3, 0.01, 0.025, 0.05, 0.1),
    ),
    Injection(
        ImageType.FLAT,
        "gain of an amplifier, relative change",
        f"gain-drift:{_OF_ONE},change={{}}",
        (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3),
    ),
    Injection(
        ImageType.FLAT,
        "gain of an amplifier, relative change to lower",
        f"gain-drift:{_OF_ONE},change=-{{}}",
        (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3),
    ),
    Injection(
        ImageType.FLAT,
        "full well of an amplifier, 1 - factor",
        f"full-well:{_OF_ONE},factor={{}}",
        (0.3, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9),
    ),
    Injection(
        ImageType.FLAT,
        "gradient of the light, relative change from side to side",
        "lamp-gradient:change={}",
        (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4),
        None,
    ),
)


class Laboratory:
    """A detector with its reference calibrations.

    Parameters
    ----------
    scale
        Of the simulation.
    """

    def __init__(self, scale: int) -> None:
        self.request = ReferenceRequest(LATISS, (0,), scale, 1, usual_optics(LATISS), False)
        self.model: DetectorModel = detector_model("LATISS", 0, scale)
        pairs = sum(each.use == "ptc" for each in reference_exposures(self.request)) // 2
        drawn = draw_calibrations(
            self.request, 0, [measure_pair(self.request, 0, number) for number in range(pairs)]
        )
        flat = drawn.normalised_flat(drawn.level["MEAN"])
        self.calibrations: Mapping[str, Any] = {**drawn.calibrations, "flat": flat}

    def failures(self, image_type: ImageType, number: int, fault: str | None) -> set[tuple[str, str]]:
        """Take an image, process and test it; amplifier (or "") and test of all that failed."""
        exposure = ReferenceExposure(
            image_name(LATISS.code, 20250116, number), "power", image_type, TIMES[image_type], 1.737e9
        )
        request = exposure.request(self.request, self.model, "")
        if fault is not None:
            request = replace(request, faults=Faults([fault]).detector)
        raw = raw_image(self.model, simulate(request), exposure.header(self.request, self.model))
        kind = image_type.value.capitalize()
        isr = pipeline_task(f"verify{kind}.yaml", f"verify{kind}Isr")
        options = {
            "bias": "doBias",
            "dark": "doDark",
            "flat": "doFlat",
            "defects": "doDefect",
            "ptc": "doApplyGains",
        }
        image = isr.run(
            raw,
            **{
                name: self.calibrations[name]
                for name, option in options.items()
                if getattr(isr.config, option)
            },
            **camera_tables(self.model),
            detector=self.model.name,
            saturation={each.name: each.sensor.saturation for each in self.model.amplifiers},
        ).outputExposure
        verify = pipeline_task(f"verify{kind}.yaml", f"verify{kind}Det").run(image).outputStats["VERIFY"]
        outcomes = {**verify["AMP"], "": verify["DET"]}
        return {
            (place, test)
            for place, tests in outcomes.items()
            for test, passed in tests.items()
            if test != "SUCCESS" and not passed
        }

    def seen(self, injection: Injection, exposures: int) -> dict[str, float | None]:
        """The smallest size of a fault that each test sees, which does not fail without it."""
        blind = self._failing(injection, exposures, None)
        found: dict[str, float | None] = {}
        for size in injection.sizes:
            value = 1.0 - size if "full well" in injection.about else size
            for test in self._failing(injection, exposures, injection.fault.format(f"{value:g}")) - blind:
                found.setdefault(test, size)
        return found

    def _failing(self, injection: Injection, exposures: int, fault: str | None) -> set[str]:
        """Tests that fail in enough exposures."""
        counts: dict[str, int] = {}
        for number in range(1, exposures + 1):
            for test in self._of_fault(
                self.failures(injection.image_type, number, fault), injection.amplifier
            ):
                counts[test] = counts.get(test, 0) + 1
        return {test for test, count in counts.items() if count >= SEEN * exposures}

    def _of_fault(self, failed: set[tuple[str, str]], amplifier: str | None) -> Iterator[str]:
        """Tests that failed where the fault is: of all amplifiers, at least half."""
        for test in {test for _, test in failed}:
            places = {place for place, each in failed if each == test}
            half = math.ceil(len(self.model.amplifiers) / 2)
            if "" in places or amplifier in places or (amplifier is None and len(places) >= half):
                yield test


def table(results: Sequence[Mapping[str, Any]]) -> str:
    """The results as lines of a table in reStructuredText.

    Parameters
    ----------
    results
        See `main`.

    Returns
    -------
    text
        Of a list-table.
    """
    lines = [
        ".. list-table::",
        "   :header-rows: 1",
        "",
        "   * - Image",
        "     - Fault",
        "     - Sizes",
        "     - Fails from",
    ]
    for row in results:
        seen = sorted(row["fails_from"].items(), key=lambda each: each[1])
        words = ", ".join(
            f"{test} {size:g}" + ("" if row["counted"][test] else " (not counted)") for test, size in seen
        )
        sizes = f"{row['sizes'][0]:g} to {row['sizes'][-1]:g}"
        lines += [
            f"   * - {row['image_type']}",
            f"     - {row['fault']}",
            f"     - {sizes}",
            f"     - {words or 'none'}",
        ]
    return "\n".join(lines)


def main() -> None:
    """Inject all faults, and print what saw them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--exposures", type=int, default=4, help="of each size")
    parser.add_argument("--table", action="store_true", help="print the table of the documentation")
    arguments = parser.parse_args()
    laboratory = Laboratory(arguments.scale)
    without = {kind.value: sorted(map(list, laboratory.failures(kind, 1, None))) for kind in TIMES}
    results = []
    for each in INJECTIONS:
        seen = laboratory.seen(each, arguments.exposures)
        results.append(
            {
                "image_type": each.image_type.value,
                "fault": each.about,
                "sizes": list(each.sizes),
                "fails_from": seen,
                "counted": {test: test not in UNCOUNTED_TESTS for test in seen},
            }
        )
    if arguments.table:
        print(table(results))
    else:
        print(json.dumps({"scale": arguments.scale, "without_fault": without, "power": results}, indent=1))


if __name__ == "__main__":
    main()
