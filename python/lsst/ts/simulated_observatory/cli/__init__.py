"""Command line. It needs the packages of the extra ``simulation``, which the scripts do without."""

from __future__ import annotations

import importlib.util
import sys

NEEDED = ("click", "rich", "numpy", "scipy", "lsst.ctrl.mpexec")
"""Packages that come with the extra."""


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False


if missing := [name for name in NEEDED if not _is_there(name)]:
    sys.stderr.write(
        f"The simulated observatory needs what is not installed here: {', '.join(missing)}. Nothing was done."
        " pip install 'ts-calibrations[simulation]' brings all that it needs.\n"
    )
    sys.exit(2)
