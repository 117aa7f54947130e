"""What it costs to read, judge and report the verification of biases of a whole camera.

usage: python benchmarks/verdicts.py [--detectors 205] [--exposures 20]

A script is run on images without pixels and jobs without pipelines; the results that it left are read from
the Butler once more, judged, and told in full. Times are those of the processor; the memory is what the step
added to the largest resident set. Goals for 205 detectors, 20 exposures and three tests of each amplifier:
30 s to read, and 1 s and 200 MB to judge and tell.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lsst.daf.butler import Butler
from scaling import CAMERA, run_script

from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.butler.repository import Repository
from lsst.ts.calibrations.report.verification import VerificationReport
from lsst.ts.calibrations.verification import judge, read_exposures


def measured(name: str, step: Callable[[], Any]) -> Any:
    """Do a step, print what it cost, and return its result."""
    before, begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    result = step()
    seconds = time.process_time() - begin
    added = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
    print(f"{name:<44}{seconds:>8.2f} s{added:>8.0f} MB", flush=True)
    return result


async def _archived(repository: str, collection: str, exposures: list[int], detectors: list[int]) -> Any:
    opened = Repository(repository)
    try:
        return await Archive(opened, CAMERA).verification(collection, "BIAS", exposures, detectors)
    finally:
        opened.close()


def main() -> None:
    """Run the script, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--detectors", type=int, default=len(CAMERA.detectors))
    parser.add_argument("--exposures", type=int, default=20)
    asked = parser.parse_args()
    detectors = list(CAMERA.detectors)[: asked.detectors]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run_script(Path(folder), detectors, 16, asked.exposures)
        summary = json.loads((Path(folder) / "run" / "summary.json").read_text(encoding="utf-8"))
        collection = summary["verification"]["BIAS"]["verification_collection"]
        exposures = [each["id"] for each in summary["exposures"]]
        names = CAMERA.detectors
        print(f"{len(detectors)} detectors, {len(exposures)} exposures")
        measured(
            "read and interpret, as the script does it",
            lambda: asyncio.run(_archived(summary["repo"], collection, exposures, detectors)),
        )
        with Butler.from_config(summary["repo"]) as butler:
            whole, parts = (
                butler.query_datasets(f"verifyBias{level}Stats", collection, limit=None)
                for level in ("Exp", "Det")
            )
            by_exposure = {int(ref.dataId["exposure"]): butler.get(ref) for ref in whole}
            statistics = {
                (int(ref.dataId["exposure"]), names[int(ref.dataId["detector"])]): butler.get(ref)
                for ref in parts
            }
    amplifiers = {names[number]: frozenset(CAMERA.amplifiers) for number in detectors}
    results = measured(
        "interpret what was read",
        lambda: read_exposures(
            by_exposure, statistics, exposures=exposures, amplifiers=amplifiers, calibration="BIAS"
        ),
    )
    verdict = measured("judge", lambda: judge(results, max_failures_per_detector=8))

    def tell() -> str:
        rows = [each.as_row() for each in results.tests]
        return VerificationReport("BIAS", verdict, collection, tests=rows).full_text()

    text = measured("report", tell)
    print(f"{sum(1 for _ in results.tests)} tests, {len(text)} characters, passed: {verdict.passed}")


if __name__ == "__main__":
    main()
