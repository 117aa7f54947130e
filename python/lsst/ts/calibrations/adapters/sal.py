"""Chooses the SAL once, at import: the observatory's bus, or the embedded one.

The environment variable ``TS_CALIBRATIONS_SAL`` says ``kafka`` or ``embedded``. Without it the
observatory's bus is used where ``lsst.ts.salobj`` is installed, and the embedded one elsewhere. All other
modules import SAL from here, so that one process never mixes the two.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..simulation import sal as salobj
    from ..simulation.clock import current_tai
    from ..simulation.control import BaseCamera, RemoteGroup
    from ..simulation.sal import State
    from ..simulation.sal.enums import ScriptState

__all__ = [
    "VARIABLE",
    "WHICH",
    "ScriptState",
    "State",
    "camera_class",
    "current_tai",
    "is_embedded",
    "remote_group_class",
    "salobj",
]

VARIABLE = "TS_CALIBRATIONS_SAL"
"""Environment variable that says which SAL to use."""

_CAMERAS = {
    "LATISS": ("lsst.ts.observatory.control.auxtel.latiss", "LATISS"),
    "LSSTComCam": ("lsst.ts.observatory.control.maintel.comcam", "ComCam"),
    "LSSTCam": ("lsst.ts.observatory.control.maintel.lsstcam", "LSSTCam"),
}
"""Module in the observatory's packages, and name there and here, of the class of each camera."""

_HERE = __package__.rpartition(".")[0]


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # not even the packages around it
        return False


def _choose() -> str:
    choice = os.environ.get(VARIABLE) or ("kafka" if _is_installed("lsst.ts.salobj") else "embedded")
    if choice not in ("embedded", "kafka"):
        raise ValueError(f"{VARIABLE}={choice!r} is neither 'embedded' nor 'kafka'")
    return choice


WHICH = _choose()
"""The SAL in use: ``embedded`` or ``kafka``."""

if not TYPE_CHECKING:
    if WHICH == "embedded":
        salobj = importlib.import_module(f"{_HERE}.simulation.sal")
        ScriptState = importlib.import_module(f"{_HERE}.simulation.sal.enums").ScriptState
        current_tai = importlib.import_module(f"{_HERE}.simulation.clock").current_tai
    else:
        salobj = importlib.import_module("lsst.ts.salobj")
        ScriptState = importlib.import_module("lsst.ts.xml.enums.Script").ScriptState
        current_tai = importlib.import_module("lsst.ts.utils").current_tai
    State = salobj.State


def is_embedded() -> bool:
    """Return whether the embedded SAL is in use."""
    return WHICH == "embedded"


def camera_class(instrument_name: str) -> type[BaseCamera]:
    """Return the class that takes images with an instrument.

    Parameters
    ----------
    instrument_name
        Name in the Butler, e.g. ``LSSTComCam``.

    Raises
    ------
    ValueError
        There is no class for this instrument.
    """
    if instrument_name not in _CAMERAS:
        raise ValueError(f"no camera class for {instrument_name!r}; there are {sorted(_CAMERAS)}")
    module, name = _CAMERAS[instrument_name]
    if is_embedded():
        module = f"{_HERE}.simulation.control"
    camera: type[BaseCamera] = getattr(importlib.import_module(module), name)
    return camera


def remote_group_class() -> type[RemoteGroup]:
    """Return the class of groups of remotes."""
    module = f"{_HERE}.simulation.control" if is_embedded() else "lsst.ts.observatory.control"
    group: type[RemoteGroup] = importlib.import_module(module).RemoteGroup
    return group
