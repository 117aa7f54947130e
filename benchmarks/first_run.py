"""The first minute of a newcomer: clone, set up, run; and the run after that.

usage: python benchmarks/first_run.py [--script auxtel/make_latiss_calibrations.py] [--with-pip] [OPTION ...]

Further options go to ``bin/run_script``. Everything goes to a temporary folder, the cache of reference
calibrations too; uv and pip use their own caches. Times are those of the clock and, in brackets, of the
processor. With ``--with-pip`` the environment is made a second time, by pip, and the ratio printed.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SCRIPT = "auxtel/make_latiss_calibrations.py"


class Stopwatch:
    """Prints how long things took."""

    def __init__(self) -> None:
        self.taken: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Measure what is done meanwhile, and print it."""
        begin, cpu = time.perf_counter(), _cpu()
        yield
        self.taken[name] = time.perf_counter() - begin
        print(f"{name:<40} {self.taken[name]:7.1f} s ({_cpu() - cpu:.1f} s)", flush=True)


def _cpu() -> float:
    """Processor time of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _run(command: list[str | Path], folder: Path, environment: dict[str, str]) -> float:
    """Run a script to its end; return the time until its simulated night began. Exit where it fails."""
    begin, night, lines = time.perf_counter(), 0.0, []
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line)
            if not night and "SIMULATED run" in line:
                night = time.perf_counter() - begin
    if process.returncode != 0:
        sys.exit(f"{''.join(lines[-20:])}\n{command} ended with {process.returncode}")
    print("".join(lines[-2:]).strip())
    return night


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--script", default=SCRIPT)
    parser.add_argument("--with-pip", action="store_true", help="also let pip make the environment")
    asked, options = parser.parse_known_args()
    watch = Stopwatch()
    print(f"{platform.platform()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="first_run_") as place:
        folder = Path(place)
        clone = folder / "clone"
        environment = {
            **{key: value for key, value in os.environ.items() if key != "TS_CALIBRATIONS_DIR"},
            "TS_CALIBRATIONS_CACHE": str(folder / "cache"),
        }
        begin = time.perf_counter()
        with watch("clone"):
            subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)  # noqa: S607
        with watch("set up"):
            schema = [clone / "bin/run_script", asked.script, "--schema"]
            subprocess.run(schema, check=True, env=environment, stdout=subprocess.DEVNULL)
        command = [clone / "bin/run_script", asked.script, *options, "--out"]
        with watch("first run"):
            preparation = _run([*command, folder / "first"], clone, environment)
        print(f"{'clone to the end of the first run':<40} {time.perf_counter() - begin:7.1f} s")
        with watch("next run"):
            again = _run([*command, folder / "next"], clone, environment)
        print(f"{'reference calibrations':<40} {preparation - again:7.1f} s")
        if asked.with_pip:
            with watch("set up by pip"):
                subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
                pip = [f"{folder}/venv/bin/python", "-m", "pip", "install", "--quiet", "--editable"]
                subprocess.run([*pip, f"{clone}[simulation]"], check=True)
            print(f"{'pip / uv':<40} {watch.taken['set up by pip'] / watch.taken['set up']:7.1f}")


if __name__ == "__main__":
    main()
