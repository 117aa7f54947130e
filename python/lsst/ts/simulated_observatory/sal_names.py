"""The embedded SAL under the names by which scripts of the observatory import theirs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import NoReturn

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS

__all__ = ["is_in_use", "use_embedded_sal"]

_CONTROL = "lsst.ts.observatory.control"

_NAMES = {
    "lsst.ts.salobj": ("embedded_sal", None),
    "lsst.ts.salobj.base_script": ("embedded_sal.base_script", None),
    "lsst.ts.salobj.topics": ("embedded_sal.topics", None),
    "lsst.ts.salobj.type_hints": ("embedded_sal", ("AckCmdDataType", "BaseMsgType")),
    "lsst.ts.utils": ("embedded_sal.utils", None),
    "lsst.ts.xml.enums.Script": ("embedded_sal.enums", None),
    _CONTROL: ("control", ("RemoteGroup",)),
    f"{_CONTROL}.auxtel": ("control", ("LATISS",)),
    f"{_CONTROL}.auxtel.latiss": ("control", ("LATISS",)),
    f"{_CONTROL}.base_camera": ("control", ("BaseCamera",)),
    f"{_CONTROL}.maintel": ("control", ("ComCam", "LSSTCam")),
    f"{_CONTROL}.maintel.comcam": ("control", ("ComCam",)),
    f"{_CONTROL}.maintel.lsstcam": ("control", ("LSSTCam",)),
    f"{_CONTROL}.remote_group": ("control", ("RemoteGroup",)),
}
"""What each of the observatory's modules holds: a module of this package, and names in it (None: all)."""


def is_in_use() -> bool:
    """Whether ``lsst.ts.salobj`` means the embedded SAL in this process."""
    there = sys.modules.get("lsst.ts.salobj")
    return there is not None and not hasattr(there, "__path__")  # a package on disk has one


def use_embedded_sal() -> None:
    """Let ``lsst.ts.salobj`` and its companions mean the embedded SAL from now on, in this process.

    To be called before a script is imported, e.g. in ``conftest.py``. Afterwards ``lsst.ts.salobj``,
    ``lsst.ts.utils``, ``lsst.ts.xml.enums.Script`` and ``lsst.ts.observatory.control`` can be imported,
    installed or not, with the part of their names that is simulated. Calling it again does nothing.

    Raises
    ------
    RuntimeError
        The observatory's own ``lsst.ts.salobj`` is in use in this process already.
    """
    if is_in_use():
        return
    if "lsst.ts.salobj" in sys.modules:
        raise RuntimeError(
            "lsst.ts.salobj is imported already, so this process is on the observatory's bus. Call"
            " use_embedded_sal() before anything that imports it, e.g. at the top of conftest.py."
        )
    for name, (source, only) in _NAMES.items():
        module = importlib.import_module(f"{__package__}.{source}")
        _put(name, {each: getattr(module, each) for each in only or module.__all__})
    sys.meta_path.append(_Finder())
    control = importlib.import_module(f"{__package__}.control")
    for each in INSTRUMENTS.values():
        above, _, camera_class = f"{_CONTROL}.{each.camera_class}".rpartition(".")
        if above not in _NAMES and each.spectrograph is None:
            _put(above, {camera_class: control.filter_camera(each)})


class _Finder(MetaPathFinder):
    """Finds nothing, and says of the observatory's other classes that they are not simulated."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /
    ) -> None:
        if fullname.startswith(f"{_CONTROL}."):
            raise ModuleNotFoundError(_not_simulated(fullname), name=fullname)


def _not_simulated(name: str) -> str:
    there = dict.fromkeys(
        each for module, (_, only) in _NAMES.items() if module.startswith(_CONTROL) for each in only or ()
    )
    return (
        f"the simulated observatory has no {name}. Nothing is wrong with the installation: of"
        f" {_CONTROL} it has {', '.join(there)} only"
    )


def _refuse(module: str, name: str) -> NoReturn:
    """Answer to a name that a module does not have; of Python's own ones some may be missing."""
    if name.startswith("__"):
        raise AttributeError(name)
    raise ImportError(_not_simulated(f"{module}.{name}"), name=module)


def _put(name: str, contents: dict[str, object]) -> None:
    """Make a module, and the packages above it that there are not."""
    words = name.split(".")
    for length in range(3, len(words)):  # below lsst.ts
        package = ".".join(words[:length])
        if package not in sys.modules:
            _make(package)
    vars(_make(name)).update(contents)


def _make(name: str) -> ModuleType:
    module = sys.modules.get(name) or ModuleType(name, "Part of the embedded SAL of ts_calibrations.")
    module.__spec__ = ModuleSpec(name, loader=None)
    if name == _CONTROL or name.startswith(f"{_CONTROL}."):
        vars(module).update(__path__=[], __getattr__=partial(_refuse, name))
    sys.modules[name] = module
    package, _, last = name.rpartition(".")
    setattr(importlib.import_module(package), last, module)
    return module
