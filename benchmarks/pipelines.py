"""What each stage of the bias pipelines costs for one detector, and how it grows with the exposures.

usage: python benchmarks/pipelines.py [--scale 1] [--exposures 5,10,20]

Exposures are made, combined and verified by pipetask in a temporary folder, as an OCPS job does it. Times
are those of the processor. What a quantum costs it has noted itself; its memory is the largest resident set
of the process when it ended. Goals: at most 0.9 s for an exposure of the real size from its raw file to
verified statistics, 20 s for the combination of twenty, cost linear and memory flat in their number.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from statistics import fmean

from lsst.daf.butler import Butler
from scaling import CAMERA, measure

PER_EXPOSURE = "verifyBiasIsr", "verifyBiasDet"
"""Tasks that bring one raw file to verified statistics."""


def seconds_to_read(repository: Path) -> float:
    """Mean seconds of the processor that it takes to read a raw file, all pixels of it."""
    with Butler.from_config(str(repository)) as butler:
        refs = butler.query_datasets("raw", CAMERA.raw_collection)
        for ref in refs[:1]:
            butler.get(ref)  # what is imported and opened for the first one
        begin = time.process_time()
        for ref in refs:
            raw = butler.get(ref)
            for amplifier in raw.amplifiers.values():
                amplifier.array.sum()
        return (time.process_time() - begin) / len(refs)


def quanta(repository: Path) -> dict[str, tuple[int, float, float]]:
    """Number of quanta, mean seconds of the processor and largest memory [MB] by task."""
    found = {}
    with Butler.from_config(str(repository)) as butler:
        for kind in sorted(butler.registry.queryDatasetTypes("*_metadata")):
            refs = butler.query_datasets(kind, ["bias/run", "verify/run"], find_first=False, explain=False)
            notes = [butler.get(ref)["quantum"] for ref in refs]
            if notes:
                spent = [float(each["endCpuTime"]) - float(each["startCpuTime"]) for each in notes]
                memory = max(int(each["endMaxResidentSetSize"]) for each in notes) / 1e6
                found[kind.name.removesuffix("_metadata")] = len(notes), fmean(spent), memory
    return found


def report(scale: int, exposures: int) -> None:
    """Measure one number of exposures, and print the table."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        repository = Path(folder) / "repo"
        found = measure(Path(folder), [0], scale, exposures)
        print(f"\n{f'{exposures} exposures, scale {scale}':<34}{'quanta':>7}{'s each':>9}{'MB':>7}")
        print(f"{'read a raw file':<34}{exposures:>7}{seconds_to_read(repository):>9.3f}")
        tasks = quanta(repository)
        for name, (number, seconds, memory) in tasks.items():
            print(f"{name:<34}{number:>7}{seconds:>9.3f}{memory:>7.0f}")
        each = sum(tasks[name][1] for name in PER_EXPOSURE)
        print(f"{'raw file to verified statistics':<41}{each:>9.3f}")
        for job in ("bias", "verify"):
            graph, run = found[f"{job}: graph"], found[f"{job}: quanta"]
            print(f"{f'pipetask, {job}: graph and quanta':<41}{graph['s'] + run['s']:>9.1f}{run['MB']:>7}")


def main() -> None:
    """Measure each number of exposures in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--exposures", default="5,10,20")
    asked = parser.parse_args()
    for number in map(int, asked.exposures.split(",")):
        report(asked.scale, number)


if __name__ == "__main__":
    main()
