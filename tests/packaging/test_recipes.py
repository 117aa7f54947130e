"""What pip, conda and EUPS are told agrees, and the notes on changes are what towncrier reads."""

from __future__ import annotations

import re
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

OBSERVATORY = ("salobj", "utils", "xml", "observatory-control")
"""Packages of the observatory that the scripts import; not on PyPI."""


def recipe() -> Any:
    """The conda recipe, whatever its variables are."""
    text = (ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(re.sub(r"{{.*?}}", "0", re.sub(r"{%.*?%}", "", text)))


def test_conda_installs_what_pip_installs_but_for_the_science_pipelines() -> None:
    asked = {each.replace(" ", "") for each in recipe()["requirements"]["run"]}
    for requirement in PROJECT["project"]["dependencies"]:
        assert requirement in asked or requirement.startswith("lsst-"), requirement
    assert {f"ts-{name}" for name in OBSERVATORY} | {"python>=3.11"} <= asked


def test_conda_names_what_the_simulated_observatory_needs_beside_the_science_pipelines() -> None:
    known = {each.replace(" ", "") for each in recipe()["requirements"]["run_constrained"]}
    simulation = PROJECT["project"]["optional-dependencies"]["simulation"]
    assert known == {each for each in simulation if not each.startswith("lsst-")}


def test_the_observatory_s_own_butler_is_never_too_new_for_the_scripts() -> None:
    for requirement in PROJECT["project"]["dependencies"]:
        assert not set("<=~!") & set(requirement.replace(">=", "")), requirement


def test_conda_has_the_commands_that_pip_has() -> None:
    commands = {f"{name} = {where}" for name, where in PROJECT["project"]["scripts"].items()}
    assert set(recipe()["build"]["entry_points"]) == commands


def test_the_commands_are_there() -> None:
    for where in PROJECT["project"]["scripts"].values():
        module, _, name = where.partition(":")
        assert callable(getattr(import_module(module), name))


def test_eups_sets_up_what_the_scripts_import() -> None:
    table = (ROOT / "ups" / "ts_calibrations.table").read_text(encoding="utf-8")
    required = re.findall(r"setupRequired\((\w+)\)", table)
    needed = {f"ts_{name.replace('-', '_')}" for name in OBSERVATORY} | {"lsst_distrib"}
    assert set(required) == needed


def test_every_note_on_a_change_has_a_name_of_its_own_for_towncrier() -> None:
    types = {each["directory"] for each in PROJECT["tool"]["towncrier"]["type"]}
    ignored = PROJECT["tool"]["towncrier"]["ignore"]
    notes = [path.name for path in (ROOT / "doc" / "news").iterdir() if path.name not in ignored]
    for name in notes:
        found = re.fullmatch(r"\d+\.(\w+)(\.\d+)?\.rst", name)
        assert found is not None, name
        assert found[1] in types, name
