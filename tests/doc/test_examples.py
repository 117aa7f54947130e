"""What the documentation tells people to type is accepted."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pytest

from lsst.ts.calibrations.cli.configuration import configuration_text
from lsst.ts.calibrations.cli.run_script import main
from lsst.ts.calibrations.domain.config_text import examine
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.calibrations.domain.schema import load_schema

ROOT = Path(__file__).parents[2]
SCHEMA = load_schema("LATISS")

OTHERS = ("do_configure", "n_failed", "n_tests")
"""Names that look like options: a method, and keys of summary.json."""


def _reference_text() -> ModuleType:
    path = ROOT / "doc" / "extensions" / "reference_text.py"
    spec = importlib.util.spec_from_file_location("reference_text", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _parsed(command: str) -> dict[str, Any]:
    """Options of a command line as run_script reads them; empty if it only prints help."""
    try:
        return main.make_context("run_script", shlex.split(command)[1:]).params
    except click.exceptions.Exit:
        return {}


def test_configurations_are_free_of_problems(configurations: list[str]) -> None:
    for text in configurations:
        findings = examine(text, SCHEMA, LATISS)
        assert findings.errors == ()


def test_commands_are_accepted(commands: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands:
        options = _parsed(command)
        text = configuration_text(None, options.get("parameters", ()))
        assert examine(text, SCHEMA, LATISS).errors == ()


def test_the_pages_have_examples_to_test() -> None:
    pages = [ROOT / "README.rst", *(ROOT / "doc").glob("*.rst")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert text.count("\n    bin/run_script ") > 5
    assert text.count(".. code-block:: yaml") > 0


def test_options_that_pages_name_exist(page: Path) -> None:
    named = re.findall(
        r"``((?:n|exp_times|do|config_options|input_collections|certify_calib)_\w+)\b", page.read_text()
    )
    known = [*SCHEMA["properties"], *OTHERS]
    for name in named:
        assert any(option.startswith(name) for option in known), name


def test_all_options_of_the_command_are_documented() -> None:
    guide = (ROOT / "doc" / "user_guide.rst").read_text(encoding="utf-8")
    for parameter in main.params:
        if isinstance(parameter, click.Option):
            assert any(f"``{name}" in guide for name in parameter.opts), parameter.opts


def test_the_list_of_options_has_name_default_and_description_of_each() -> None:
    text = _reference_text().option_list(SCHEMA)
    sections = dict(re.findall(r"^``(\w+)``\n((?:    .*\n|\n)*)", text + "\n", re.MULTILINE))
    assert list(sections) == list(SCHEMA["properties"])
    for name, about in SCHEMA["properties"].items():
        assert about["description"] in sections[name]
        assert "Default: ``" in sections[name]
    assert "Default: ``20``" in sections["n_bias"]
    assert "Integer from 1 to 1000." in sections["n_bias"]
    assert "Text or integer from 0 or ``null``." in sections["filter"]
    assert "True or false." in sections["do_verify"]
    assert "Default: ``[5 x 5, 2 x 15, 16 x 30]``" in sections["exp_times_dark"]
    assert "Number from 0 to 7200, or list of numbers from 0 to 7200." in sections["exp_times_dark"]
    assert "- ``execution``: " in sections["test_case"]
