"""Names and arguments of the embedded side are those of the observatory's packages."""

from __future__ import annotations

import enum
import importlib
import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.simulated_observatory.embedded_sal import BaseMsgType


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("lsst.ts.salobj", "lsst.ts.simulated_observatory.embedded_sal"),
        ("lsst.ts.observatory.control.remote_group", "lsst.ts.simulated_observatory.control.remote_group"),
        ("lsst.ts.observatory.control.base_camera", "lsst.ts.simulated_observatory.control.base_camera"),
        ("lsst.ts.observatory.control.auxtel.latiss", "lsst.ts.simulated_observatory.control.latiss"),
        ("lsst.ts.observatory.control.maintel.comcam", "lsst.ts.simulated_observatory.control"),
        ("lsst.ts.observatory.control.maintel.lsstcam", "lsst.ts.simulated_observatory.control"),
    ],
)
def test_signatures_are_those_of_the_observatory(there: str, here: str) -> None:
    """Every public method that the embedded side has is there, and takes the same arguments."""
    real, embedded = importlib.import_module(there), importlib.import_module(here)
    classes = [
        name
        for name, kind in vars(embedded).items()
        if inspect.isclass(kind)
        and hasattr(real, name)
        and name in embedded.__all__
        and not issubclass(kind, Exception | enum.Enum | BaseMsgType)
    ]
    assert classes
    differences = [
        f"{name}.{method}: {mine} instead of {theirs}"
        for name in classes
        for method, mine, theirs in _differing(getattr(embedded, name), getattr(real, name))
    ]
    assert not differences, "\n".join(differences)


def _differing(mine: type, theirs: type) -> Iterator[tuple[str, str, str]]:
    for name, member in inspect.getmembers(mine, inspect.isroutine):
        if name.startswith("_") and name != "__init__":
            continue
        if not hasattr(theirs, name):
            yield name, "a method of ours alone", "none"
        elif not _fits(ours := _parameters(member), others := _parameters(getattr(theirs, name))):
            yield name, f"{ours}", f"{others}"


def _parameters(function: Any) -> list[str]:
    return [
        f"{each}".partition(":")[0].partition("=")[0].strip()
        for each in inspect.signature(function).parameters.values()
    ]


def _fits(ours: Sequence[str], theirs: Sequence[str]) -> bool:
    """Whether theirs begin with ours, of which ``**kwargs`` stands for any that follow."""
    named = [each for each in ours if each != "**kwargs"]
    return theirs[: len(named)] == named


def test_every_name_that_the_embedded_sal_offers_is_one_of_salobj() -> None:
    from lsst.ts.simulated_observatory import embedded_sal as sal

    assert [name for name in sal.__all__ if not hasattr(salobj, name)] == []
