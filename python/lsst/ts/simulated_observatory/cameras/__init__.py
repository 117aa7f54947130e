"""The cameras: geometry and nominal properties of their detectors, and what is mounted in them."""

import pkgutil
from collections.abc import Mapping
from importlib import import_module

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS

from .camera_data import CameraData

__all__ = ["CAMERAS"]

_MODULES = {each.name for each in pkgutil.iter_modules(__path__)}

CAMERAS: Mapping[str, CameraData] = {
    name: import_module(f".{name.lower()}", __name__).CAMERA
    for name in INSTRUMENTS
    if name.lower() in _MODULES
}
"""All instruments by name: ``CAMERA`` in the module that is called like the instrument, in lower case."""
