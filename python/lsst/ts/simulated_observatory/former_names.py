"""The names that modules had in earlier versions: repositories made then still name classes by them.

In a Butler repository the names of storage classes' types, formatters and instruments are texts. Until the
simulated observatory became a package of its own, its pipelines were ``lsst.ts.calibrations.pipelines``.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["FORMER", "present_name", "understand_former_names"]

FORMER = "lsst.ts.calibrations.pipelines"
_PRESENT = f"{__package__}.pipelines"
_RENAMED = {"calibrations": "tables", "ptcextract": "ptc", "ptcsolve": "ptc"}  # modules of other names now


def present_name(name: str) -> str:
    """Present name of a module or class; the same name if it is none of the former ones.

    Parameters
    ----------
    name
        A dotted name.

    Returns
    -------
    name : str
    """
    for package in (FORMER, _PRESENT):
        if name == package or name.startswith(f"{package}."):
            module, *rest = name[len(package) + 1 :].split(".")
            return ".".join(filter(None, (_PRESENT, _RENAMED.get(module, module), *rest)))
    return name


class _Finder(MetaPathFinder, Loader):
    """Finds a module under its former name, and hands out the module that has the present one."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return None if present_name(fullname) == fullname else ModuleSpec(fullname, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        # What is in sys.modules afterwards is what was imported: no class exists a second time.
        sys.modules[module.__name__] = importlib.import_module(present_name(module.__name__))


def understand_former_names() -> None:
    """Let former names of modules be imported from now on, in this process; again, it does nothing."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        # Before the others, which would find a file in the package and load it again under the former name.
        sys.meta_path.insert(0, _Finder())
