"""Which SAL a process is on: the observatory's bus, or the embedded one of a simulated observatory.

All modules say ``from lsst.ts import salobj``; what that is, is decided here and nowhere else. The
environment variable ``TS_CALIBRATIONS_SAL`` says ``kafka`` or ``embedded``. Without it the observatory's bus
is used where ``lsst.ts.salobj`` is installed, and the embedded SAL elsewhere.
"""

from __future__ import annotations

import importlib.util
import os
from importlib.metadata import entry_points

__all__ = ["VARIABLE", "is_embedded", "provide_salobj", "salobj_is_installed"]

VARIABLE = "TS_CALIBRATIONS_SAL"
"""Environment variable that says which SAL to use."""

# Group of entry points: what puts an embedded SAL under the names of the observatory's packages.
EMBEDDED = "lsst.ts.calibrations.embedded_sal"


def salobj_is_installed() -> bool:
    """Whether the observatory's own ``lsst.ts.salobj`` is there; it is not imported."""
    try:
        spec = importlib.util.find_spec("lsst.ts.salobj")
    except ModuleNotFoundError:  # not even the packages around it
        return False
    return spec is not None and spec.loader is not None  # the embedded one has none


def is_embedded() -> bool:
    """Whether the embedded SAL is to be used.

    Raises
    ------
    ValueError
        The environment variable says something else.
    """
    choice = os.environ.get(VARIABLE) or ("kafka" if salobj_is_installed() else "embedded")
    if choice not in ("embedded", "kafka"):
        raise ValueError(f"{VARIABLE}={choice!r} is neither 'embedded' nor 'kafka'")
    return choice == "embedded"


def provide_salobj() -> None:
    """See to it that ``lsst.ts.salobj`` can be imported; to be called before anything that does.

    Raises
    ------
    ImportError
        It is not installed, and no simulated observatory that could stand in for it.
    ValueError
        As `is_embedded`.
    """
    if is_embedded():
        for entry in entry_points(group=EMBEDDED):
            entry.load()()
            return
    elif salobj_is_installed():
        return
    raise ImportError(
        "lsst.ts.salobj is not installed. At the telescope it is a conda package of the observatory;"
        " elsewhere install ts-calibrations[simulation], a simulated observatory with an embedded one."
    )
