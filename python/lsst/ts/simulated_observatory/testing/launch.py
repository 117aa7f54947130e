"""Starts the executable of a script in a process of its own, and checks that it starts as it should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["launch"]

TIMEOUT = 60.0
"""Seconds that an executable may take, as the ScriptQueue gives it to load."""


def launch(path: Path, index: int) -> None:
    """Start an executable on the embedded SAL, and wait until it was UNCONFIGURED and has ended.

    Parameters
    ----------
    path
        The executable.
    index
        SAL index to give to it.

    Raises
    ------
    AssertionError
        It is no executable file, does not begin with ``#!``, or did not start.
    """
    path = path.resolve()
    assert path.is_file(), f"{path} is no file"
    assert os.access(path, os.X_OK), f"{path} has no run bit: the ScriptQueue would not list it"
    assert path.read_bytes().startswith(b"#!"), f"{path} does not begin with #!: it cannot be started"
    try:
        ended = subprocess.run(
            [sys.executable, "-m", f"{__package__}.launch_process", str(path), str(index)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{path} did not start as a script within {TIMEOUT:.0f} s") from None
    assert ended.returncode == 0, f"{path} did not start as a script:\n{ended.stderr or ended.stdout}"
