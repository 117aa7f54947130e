"""The layers that the documentation states are those that import-linter checks."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "doc" / "explanation" / "architecture.rst").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
    "contracts"
]
LAYERS = {contract["containers"][0]: contract for contract in CONTRACTS if contract["type"] == "layers"}


def stated(package: str) -> list[set[str]]:
    """Layers of a package as the page has them, from the top."""
    table = (
        PAGE.partition(f":class: {package}-layers")[2].partition("\n\n``")[0].partition("\nThe reasons")[0]
    )
    return [set(re.split(", *", names)) for names in re.findall(r"^    \* - (.+)$", table, re.MULTILINE)]


@pytest.mark.parametrize("package", ["calibrations", "calibrations_page", "simulated_observatory"])
def test_the_page_states_the_layers_of_the_contracts(package: str) -> None:
    layers = LAYERS[f"lsst.ts.{package}"]["layers"]
    assert stated(package) == [set(re.split(r" *[|:] *", layer)) for layer in layers]


def test_no_import_is_exempt_and_no_module_is_left_out() -> None:
    assert all(contract["exhaustive"] for contract in LAYERS.values())
    assert not [contract["name"] for contract in CONTRACTS if contract.get("ignore_imports")]
    assert not [contract["name"] for contract in CONTRACTS if contract.get("allow_indirect_imports")]


def modules_below(package: str) -> set[str]:
    """Modules and packages right below a package; executables are in a folder that is none."""
    folder = ROOT / "python" / package.replace(".", "/")
    names = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
    return {
        f"{package}.{name}" for name in names | {path.parent.name for path in folder.glob("*/__init__.py")}
    }


def test_all_of_the_script_but_the_instruments_is_forbidden_to_what_simulates() -> None:
    script, simulated = "lsst.ts.calibrations", "lsst.ts.simulated_observatory"
    (contract,) = (
        each for each in CONTRACTS if each["type"] == "forbidden" and script not in each["source_modules"]
    )
    expected = modules_below(script) - {f"{script}.domain"} | modules_below(f"{script}.domain")
    assert set(contract["forbidden_modules"]) == expected - {f"{script}.domain.instruments"}
    exempt = {f"{simulated}.{name}" for name in ("cli", "campaign", "session")}
    assert set(contract["source_modules"]) == modules_below(simulated) - exempt


@pytest.mark.parametrize("folder", ["python", "tests", "benchmarks", "bin", "doc"])
def test_no_file_is_longer_than_contributing_says(folder: str) -> None:
    most = re.search(r"no file above (\d+) lines", (ROOT / "CONTRIBUTING.rst").read_text(encoding="utf-8"))
    assert most is not None
    lines = {path: path.read_bytes().count(b"\n") for path in (ROOT / folder).rglob("*.py")}
    assert not {path.name: number for path, number in lines.items() if number > int(most[1])}
