"""What the biases of LSSTCam cost, step by step, and how it grows with the number of detectors.

usage: python benchmarks/scaling.py [--scale 16] [--exposures 3] [--detectors 1,9,21,189] [--without-pixels]

Everything goes to a temporary folder. Times are those of the processor (user and system), which other work on
the machine hardly changes; the memory is the largest resident set of the process. One line of JSON for each
number of detectors; the tables of ``doc/explanation/scaling.rst`` are made of them. The script itself, with
its log, report, page and summary, is run on images without pixels and jobs without pipelines, which are not
what it costs; with ``--without-pixels`` nothing else is.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from statistics import fmean
from typing import Any

from lsst.daf.butler import Butler, CollectionType, Timespan

from lsst.ts.calibrations.butler.archive import Archive
from lsst.ts.calibrations.butler.repository import Repository
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, exposure_id
from lsst.ts.calibrations.verification import judge
from lsst.ts.simulated_observatory.cameras.image_names import image_name
from lsst.ts.simulated_observatory.cameras.models import DetectorModel, detector_model
from lsst.ts.simulated_observatory.detector.exposure import ExposureRequest
from lsst.ts.simulated_observatory.detector.header import file_name, primary_header
from lsst.ts.simulated_observatory.detector.truth import draw_truth
from lsst.ts.simulated_observatory.pipelines import PIPELINES
from lsst.ts.simulated_observatory.pipelines.new_repository import (
    calibration_type,
    certify_camera_model,
    create_repository,
)
from lsst.ts.simulated_observatory.pipelines.raw_ingest import ingest_raw
from lsst.ts.simulated_observatory.pipelines.tables import PhotonTransferCurve
from lsst.ts.simulated_observatory.repository.ingest import make_raw
from lsst.ts.simulated_observatory.sal_names import use_embedded_sal

CAMERA = INSTRUMENTS["LSSTCam"]
SEED = 1
BEGIN = 1_736_964_000.0
SAMPLE = 20
PIPETASK = "-c", "from lsst.ctrl.mpexec.cli.pipetask import main; main()"
OPTIONS = "-c isr:doDefect=False -c isr:doLinearize=False -c isr:doCrosstalk=False"
VERIFICATION = OPTIONS.replace("isr:", "verifyBiasIsr:")


class Costs:
    """Processor seconds and largest memory [MB] of each step."""

    def __init__(self) -> None:
        self.steps: dict[str, Any] = {}

    def process(self, name: str, *arguments: str) -> str:
        """Run Python with some arguments, measure it, and return what it printed."""
        command = [sys.executable, *arguments]
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0)
            text = output.read()
        if process.returncode != 0:
            raise RuntimeError(f"{name} ended with {process.returncode}:\n{text[-3000:]}")
        self._note(name, _seconds(usage), usage.ru_maxrss)
        return text

    def fork(self, name: str, function: Callable[[], object]) -> None:
        """Measure what a process does that is forked from this one."""
        if (number := os.fork()) == 0:
            try:
                function()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status, usage = os.wait4(number, 0)
        if status:
            raise RuntimeError(f"{name} ended with {os.waitstatus_to_exitcode(status)}")
        self._note(name, _seconds(usage), usage.ru_maxrss)

    def _note(self, name: str, seconds: float, kilobytes: int) -> None:
        self.steps[name] = {"s": round(seconds, 2), "MB": round(kilobytes / 1000)}
        print(f"  {name:<28} {seconds:8.1f} s {kilobytes / 1000:7.0f} MB", file=sys.stderr, flush=True)


def _seconds(usage: resource.struct_rusage) -> float:
    return usage.ru_utime + usage.ru_stime


def measure(folder: Path, detectors: Sequence[int], scale: int, n_exposures: int) -> dict[str, Any]:
    """Make a repository with biases of some detectors, combine and verify them, and judge the result."""
    costs, repository = Costs(), folder / "repo"
    models = [detector_model(CAMERA.name, number, scale) for number in detectors]
    names = [image_name(CAMERA.code, 20250115, number) for number in range(1, n_exposures + 1)]
    costs.fork("empty repository", lambda: create_repository(str(repository), [CAMERA.name]))
    costs.fork("raw files", lambda: [_take(folder, name, model) for name in names for model in models])
    costs.fork("ingest", lambda: _ingest(repository, models, sorted(folder.glob("*.fits"))))
    exposures = [exposure_id(name) for name in names]
    quanta = {
        "bias": _run(costs, folder, "bias", "cpBias", exposures, detectors, "calib", OPTIONS),
        "verify": _run(
            costs, folder, "verify", "verifyBias", exposures, detectors, "bias,calib", VERIFICATION
        ),
    }
    each = _seconds_of_quanta(repository, ["bias", "verify"])
    costs.fork("statistics and verdict", lambda: asyncio.run(_judge(repository, exposures, detectors)))
    return {
        "detectors": len(detectors),
        "scale": scale,
        "exposures": n_exposures,
        "quanta": quanta,
        "s of a quantum": each,
    } | costs.steps


def _take(folder: Path, name: str, model: DetectorModel) -> None:
    path = folder / file_name(name, model)
    request = ExposureRequest(
        instrument=CAMERA.name,
        detector=model.id,
        scale=model.scale,
        seed=SEED,
        exposure_id=exposure_id(name),
        exposure_time=0.0,
        dark_time=0.0,
        shutter_open=False,
        physical_filter="r_57",
        faults=(),
        path=str(path.with_suffix(".segments")),
    )
    begin = BEGIN + 60.0 * int(name[-6:])
    header = primary_header(
        model=model,
        image_name=name,
        image_type="BIAS",
        exposure_time=0.0,
        dark_time=0.0,
        begin_tai=begin,
        end_tai=begin,
        seed=SEED,
        keywords={"FILTER": "r_57", "FILTBAND": "r", "GROUPID": name, "PROGRAM": "scaling"},
    )
    make_raw(request, header, str(path))


def _ingest(repository: Path, models: Sequence[DetectorModel], files: Sequence[Path]) -> None:
    """Ingest raw files, beside the calibrations that their processing needs."""
    with Butler.from_config(str(repository), run="gains", writeable=True) as butler:
        for model in models:
            _certify(butler, model)
        for path in files:
            ingest_raw(butler, str(path))
        butler.collections.register("calib", CollectionType.CHAINED)
        butler.collections.redefine_chain("calib", ["certified"])


def _certify(butler: Butler, model: DetectorModel) -> None:
    """Certify the true gains, and the camera model."""
    certify_camera_model(butler, model, run="camera", collection="certified")
    truth = draw_truth(model, SEED).amplifiers
    curve = PhotonTransferCurve(
        detector=CAMERA.detectors[model.id],
        gain={each.name: each.gain for each in truth},
        noise={each.name: each.read_noise for each in truth},
        imageNoise={each.name: 1.032 * each.read_noise for each in truth},
    )
    data_id = {"instrument": CAMERA.name, "detector": model.id}
    ref = butler.put(curve, calibration_type(butler, "ptc"), data_id)
    butler.registry.certify("certified", [ref], Timespan(None, None))


def _run(
    costs: Costs,
    folder: Path,
    name: str,
    pipeline: str,
    exposures: Sequence[int],
    detectors: Sequence[int],
    inputs: str,
    options: str,
) -> int:
    """Make the graph of a pipeline, then run it in one process; return the number of quanta."""
    query = (
        f"instrument='{CAMERA.name}' AND detector IN ({', '.join(map(str, detectors))})"
        f" AND exposure IN ({', '.join(map(str, exposures))})"
    )
    where = ["-b", str(folder / "repo"), "-o", name, "--output-run", f"{name}/run"]
    what = ["-p", f"{PIPELINES}/{pipeline}.yaml", "-i", f"{CAMERA.raw_collection},{inputs}", "-d", query]
    graph = folder / f"{name}.qg"
    made = costs.process(
        f"{name}: graph", *PIPETASK, "qgraph", *where, *what, *options.split(), "--save-qgraph", str(graph)
    )
    run = [*PIPETASK, "run", *where, "-g", str(graph), "--register-dataset-types"]
    costs.process(f"{name}: quanta", *run)
    found = re.search(r"QuantumGraph contains (\d+) quant", made)
    return int(found[1]) if found else 0


def _seconds_of_quanta(repository: Path, jobs: Sequence[str]) -> dict[str, float]:
    """Mean processor time of the quanta of each task, by what the first of them have noted of themselves."""
    found = {}
    with Butler.from_config(str(repository)) as butler:
        for job in jobs:
            for kind in butler.registry.queryDatasetTypes("*_metadata"):
                refs = butler.query_datasets(kind, f"{job}/run", explain=False, limit=-SAMPLE)
                times = [butler.get(ref)["quantum"] for ref in refs]
                spent = [float(each["endCpuTime"]) - float(each["startCpuTime"]) for each in times]
                if spent:
                    found[kind.name.removesuffix("_metadata")] = round(fmean(spent), 3)
    return found


def run_script(folder: Path, detectors: Sequence[int], scale: int, n_exposures: int) -> dict[str, Any]:
    """Run the script on images without pixels, and measure what it writes."""
    use_embedded_sal()
    from lsst.ts.calibrations.maintel import MakeLSSTCamCalibrations
    from lsst.ts.simulated_observatory.session import simulated_run
    from lsst.ts.simulated_observatory.session.request import RunRequest
    from lsst.ts.simulated_observatory.session.setup import SetupWithoutPixels

    costs, out = Costs(), folder / "run"
    text = f"script_mode: BIAS\nn_bias: {n_exposures}\nn_discard_bias: 0\ndetectors: {list(detectors)}\n"
    text += "job_timeout: 86400\n"  # of the simulated clock, on which one machine does all
    request = RunRequest(out, None, scale, SEED, None, (), ())

    def run() -> None:
        simulated_run.SimulationSetup = SetupWithoutPixels  # type: ignore[misc]
        with (folder / "output").open("w") as output, redirect_stdout(output), redirect_stderr(output):
            simulated_run.simulate_run(MakeLSSTCamCalibrations, text, request, index=1, log_level=20)

    costs.fork("script, without pixels", run)
    costs.process("page", "-m", "lsst.ts.calibrations_page", str(out))  # once more: the script waits 20 s
    entries = re.split(r"^(?=\d{4}-\d\d-\d\d)", (out / "script.log").read_text(), flags=re.MULTILINE)
    written = {f"{path.name} [kB]": round(path.stat().st_size / 1000) for path in sorted(out.glob("*.*"))}
    longest = round(max(map(len, entries)) / 1000, 1)
    state = json.loads((out / "summary.json").read_text())["state"]
    return costs.steps | written | {"longest log message [kB]": longest, "state": state}


async def _judge(repository: Path, exposures: Sequence[int], detectors: Sequence[int]) -> None:
    opened = Repository(str(repository))
    try:
        results = await Archive(opened, CAMERA).verification("verify", "BIAS", exposures, detectors)
        judge(results, max_failures_per_detector=8)
    finally:
        opened.close()


def main() -> None:
    """Measure each number of detectors in turn."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scale", type=int, default=16)
    parser.add_argument("--exposures", type=int, default=3)
    parser.add_argument("--detectors", default="1,9,21,189")
    parser.add_argument("--without-pixels", action="store_true")
    asked = parser.parse_args()
    for number in map(int, asked.detectors.split(",")):
        print(f"{number} detectors", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            about = Path(folder), list(CAMERA.detectors)[:number], asked.scale, asked.exposures
            found = {"detectors": number} if asked.without_pixels else measure(*about)
            print(json.dumps(found | run_script(*about)), flush=True)


if __name__ == "__main__":
    main()
