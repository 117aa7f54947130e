"""Which runs are frozen."""

from __future__ import annotations

from pathlib import Path

from .old_run import put_down
from .play import COMCAM, LATISS, LSSTCAM, Played, play, resume

__all__ = ["NAMES", "SCRIPTS", "play_run"]

SCRIPTS = {"latiss": LATISS, "comcam": COMCAM, "lsstcam": LSSTCAM}

FEW = ("n_bias=3", "n_dark=2", "exp_times_dark=10", "n_flat=4")
INTERNAL = (
    "generate_calibrations=true",
    "certify_calib_begin_date=2025-01-01",
    "certify_calib_end_date=2025-06-01",
)


def _options(*options: str) -> list[str]:
    return [word for option in options for word in ("-p", option)]


RUNS = {
    # The daily default, and gains.
    "daily": [LATISS, *_options("do_gain_from_flat_pairs=true")],
    # Everything is made, and there are enough images for all of it to verify and be certified.
    "certified": [
        LATISS,
        *_options(*INTERNAL, "calib_collection=LATISS/calib/u/frozen/certified", "do_defects=true"),
        *_options("n_bias=12", "n_discard_bias=0", "n_dark=12", "n_discard_dark=0", "exp_times_dark=30"),
        *_options("n_flat=12", "n_discard_flat=0", "exp_times_flat=[2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12]"),
        *_options("do_ptc=true", "do_gain_from_flat_pairs=true"),
        *("--seed", "2", "--scale", "16"),
    ],
    # A combined bias of three images does not verify, and what needs it is not made.
    "rejected": [
        LATISS,
        *_options(*INTERNAL, "calib_collection=LATISS/calib/u/frozen/rejected", *FEW),
        *("--seed", "2", "--scale", "16", "--date", "2025-02-01"),
    ],
    # A noisy amplifier, an image that is late in the OODS, and a verification that fails.
    "faulty": [
        LATISS,
        *_options(*FEW, "do_gain_from_flat_pairs=true"),
        *("--index", "7"),
        *("--fault", "amplifier-noise:amplifier=C05,factor=1.2"),
        *("--fault", "oods-late:image=5,seconds=20"),
        *("--fault", "ocps-exit:kind=verify,calibration=DARK,code=1"),
    ],
    # Two detectors of ComCam.
    "comcam": [
        COMCAM,
        *_options("n_bias=2", "n_dark=1", "exp_times_dark=10", "n_flat=2", "detectors=[0, 2]"),
        *_options("do_gain_from_flat_pairs=true"),
        *("--scale", "16"),
    ],
    # A configuration with mistakes.
    "refused": [LATISS, *_options("n_bais=3", "n_dark=-1", "do_ptc=true", "script_mode=BIAS")],
}
"""Arguments of the command, by the name of the run."""


NAMES = (*RUNS, "resumed")
"""The last is the old run, which is resumed."""


def play_run(name: str, folder: Path) -> Played:
    """Play one of the runs in a new run directory."""
    if name == "resumed":
        put_down(folder)
        return resume(LATISS, folder)
    script, *arguments = RUNS[name]
    return play(script, folder, *arguments)
