"""Clipped means of a stack of frames: this project, astropy, ccdproc, and the machine's own limits.

usage: python benchmarks/stacking.py [--frames 20] [--rows 4000] [--columns 4072] [--iterations 3]
       [--rival-rows 400]

The frames have noise, cosmic rays and a mask. Rivals get ``--rival-rows`` rows, since all take them
minutes, and are compared by the time per pixel; all is measured in one process, one after the other,
with two threads for ours, which is what a pair of cores can do. ccdproc is measured if it is installed
(``pip install ccdproc``). The mean of each pixel is compared with that of astropy's clip of the same rows.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as jobs have it; before numpy is imported

import numpy as np
from astropy.stats import sigma_clip
from numpy.typing import NDArray

from lsst.ts.simulated_observatory.pipelines.clippedmean import clipped_mean

_Result = TypeVar("_Result")

THREADS = 2
STRIP = 50
"""Rows that a thread combines at a time."""


def make_frames(number: int, rows: int, columns: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Frames of a level of 1000 with noise 10, one cosmic ray in 800 pixels, and one masked pixel in 100."""
    rng = np.random.default_rng(1)
    frames = rng.standard_normal((number, rows, columns), dtype=np.float32)
    frames *= np.float32(10.0)
    frames += np.float32(1000.0)
    flags = np.zeros(frames.shape, dtype=bool)
    for frame, flag in zip(frames, flags, strict=True):
        struck = rng.integers(0, frame.size, frame.size // 800)
        frame.reshape(-1)[struck] += rng.exponential(500.0, struck.size).astype(np.float32)
        flag.reshape(-1)[rng.integers(0, frame.size, frame.size // 100)] = True
    return frames, flags


def ours(
    frames: NDArray[np.float32], flags: NDArray[np.bool_] | None, iterations: int
) -> NDArray[np.float32]:
    """Combine in strips, in two threads."""
    strips = [slice(first, first + STRIP) for first in range(0, frames.shape[1], STRIP)]

    def combine(strip: slice) -> NDArray[np.float32]:
        part = None if flags is None else flags[:, strip]
        return clipped_mean(frames[:, strip], excluded=part, iterations=iterations)

    with ThreadPoolExecutor(THREADS) as threads:
        return np.concatenate(list(threads.map(combine, strips)))


def of_astropy(
    frames: NDArray[np.float32], flags: NDArray[np.bool_] | None, iterations: int
) -> NDArray[np.float64]:
    """Clip about the mean with astropy, and take the mean of what is left."""
    values = frames if flags is None else np.where(flags, np.float32(np.nan), frames)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of NaN, which is what is masked
        clipped = sigma_clip(
            values, sigma=3.0, maxiters=iterations, cenfunc="mean", stdfunc="std", axis=0, masked=False
        )
        return np.nanmean(np.asarray(clipped, dtype=np.float64), axis=0)


def of_ccdproc(frames: NDArray[np.float32], _flags: object, _iterations: int) -> object:
    """Average with ccdproc's clip of one pass in single precision, its fastest equivalent settings."""
    import ccdproc
    from astropy.nddata import CCDData

    combiner = ccdproc.Combiner([CCDData(each, unit="adu") for each in frames], dtype=np.float32)
    combiner.sigma_clipping(low_thresh=3.0, high_thresh=3.0, func="mean", dev_func="std")
    return combiner.average_combine()


def timed(
    name: str, pixels: int, call: Callable[[], _Result], unit: float | None = None
) -> tuple[_Result, float]:
    """Call once; print the time, that of a million pixels of the result, and the ratio to a unit."""
    begin = time.perf_counter()
    result = call()
    seconds = time.perf_counter() - begin
    each = seconds / pixels * 1e6
    ratio = "" if unit is None else f"{each / unit:>8.1f} x"
    print(f"{name:<44}{seconds:>8.2f} s{each:>9.3f} s/Mpixel{ratio}", flush=True)
    return result, each


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    defaults = {"frames": 20, "rows": 4000, "columns": 4072, "iterations": 3, "rival-rows": 400}
    for name, default in defaults.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    asked = parser.parse_args()
    frames, flags = make_frames(asked.frames, asked.rows, asked.columns)
    size, few = frames[0].size, (slice(None), slice(0, asked.rival_rows))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"{asked.frames} frames of {asked.rows} x {asked.columns}, {asked.iterations} iterations")
    timed("read all values (numpy sum)", size, lambda: frames.sum(axis=0))
    mean, unit = timed("ours", size, lambda: ours(frames, None, asked.iterations))
    masked, _ = timed("ours, with masks", size, lambda: ours(frames, flags, asked.iterations), unit)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    data = (frames.nbytes + flags.nbytes) / 1024
    print(f"peak memory above the frames and masks: {(after - before) / data:.2f} of their size")
    rows, pixels = asked.rival_rows, frames[few][0].size
    timed("a sort of all values", pixels, lambda: np.sort(frames[few], axis=0), unit)
    expected, _ = timed("astropy", pixels, lambda: of_astropy(frames[few], None, asked.iterations), unit)
    with_mask = of_astropy(frames[few], flags[few], asked.iterations)
    try:
        timed("ccdproc", pixels, lambda: of_ccdproc(frames[few], None, 1), unit)
    except ImportError:
        print("ccdproc: not measured, because it is not installed")
    for name, found, wanted in (("", mean, expected), (" with masks", masked, with_mask)):
        distance = np.abs(found[:rows] - wanted) / np.spacing(wanted.astype(np.float32))
        other = np.count_nonzero(distance > 16.0)  # a value that is clipped moves the mean by far more
        print(
            f"from astropy's{name}: {np.nanmax(distance):.1f} ulp at most; {other} pixels clipped otherwise"
        )


if __name__ == "__main__":
    main()
