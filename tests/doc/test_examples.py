"""What the documentation tells people to type is accepted."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import yaml

from lsst.ts.calibrations.config.config import Findings, examine
from lsst.ts.calibrations.config.schema import REPLACED, load_schema
from lsst.ts.calibrations.domain.errors import ConfigurationError
from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, LATISS, Instrument
from lsst.ts.calibrations.workflow.plan import make_plan
from lsst.ts.simulated_observatory.cli.configuration import configuration_text
from lsst.ts.simulated_observatory.cli.run_script import main
from lsst.ts.simulated_observatory.cli.scripts import find_script

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


def _instrument(text: str) -> Instrument:
    """Instrument that a configuration is for: the one that it names, or LATISS."""
    return next((each for each in INSTRUMENTS.values() if each.name in text), LATISS)


def _examine(text: str, instrument: Instrument = LATISS) -> Findings:
    return examine(text, load_schema(instrument.name), instrument)


def test_configurations_are_free_of_problems(configurations: list[str]) -> None:
    for text in configurations:
        assert _examine(text, _instrument(text)).errors == ()


def test_commands_are_accepted(commands: list[str]) -> None:
    for command in commands:
        options = _parsed(command)
        if options and options["script"] is None:  # the journal names script and configuration
            assert options["resume"]
        elif options:
            text = configuration_text(None, options["parameters"])
            assert _examine(text, find_script(options["script"]).instrument).errors == ()


def test_every_example_of_the_procedures_is_printed_right(page_blocks: Any) -> None:
    table = yaml.safe_load((ROOT / "tests" / "data" / "examples.yaml").read_text(encoding="utf-8"))
    printed = [yaml.safe_load(text) for text in page_blocks("how-to/examples", "yaml")]
    wanted = [yaml.safe_load(each.get("right", each["printed"])) for each in table]
    assert all(options in printed for options in wanted if options)


def test_the_warnings_that_the_page_shows_are_those_of_its_examples(page_blocks: Any) -> None:
    told = {line for text in page_blocks("how-to/examples", "text") for line in text.splitlines()}
    for text in page_blocks("how-to/examples", "yaml"):
        instrument = _instrument(text)
        found = _examine(text, instrument)
        if instrument is LATISS:  # the page says that the outcome of the others is the same
            assert found.config is not None
            assert told.issuperset([*found.warnings, *make_plan(found.config, instrument).warnings])


def test_what_the_page_says_is_refused_is_answered_in_these_words(page_blocks: Any) -> None:
    *_, text = page_blocks("how-to/examples", "text")
    pairs = re.findall(r"^(\S.*)\n    (.*)$", text, re.MULTILINE)
    assert 2 * len(pairs) == len(text.splitlines()) > 20
    for line, answer in pairs:
        assert _examine(line).errors == (answer,)


def test_a_refused_configuration_is_answered_as_the_page_shows(page_blocks: Any) -> None:
    refused, answer = page_blocks("reference/configuration", "text")
    assert str(ConfigurationError(_examine(refused).errors)) == answer


def test_the_pages_have_examples_to_test() -> None:
    pages = [ROOT / "README.rst", *(ROOT / "doc").rglob("*.rst")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert text.count("\n    bin/run_script ") > 5
    assert text.count(".. code-block:: yaml") > 0


def test_options_that_pages_name_exist(page: Path) -> None:
    named = re.findall(
        r"``((?:n|exp_times|do|config_options|input_collections|certify_calib)_\w+)\b", page.read_text()
    )
    known = [*SCHEMA["properties"], *OTHERS, *REPLACED]
    for name in named:
        assert any(option.startswith(name) for option in known), name


def test_all_options_of_the_command_are_documented() -> None:
    guide = (ROOT / "doc" / "reference" / "command_lines.rst").read_text(encoding="utf-8")
    for parameter in main.params:
        if isinstance(parameter, click.Option):
            assert any(f"``{name}" in guide for name in parameter.opts), parameter.opts


def test_the_list_of_options_has_name_default_and_description_of_each() -> None:
    text = _reference_text().option_list(SCHEMA, "LATISS")
    sections = dict(re.findall(r"^``(\w+)``\n((?:    .*\n|\n)*)", text + "\n", re.MULTILINE))
    assert list(sections) == list(SCHEMA["properties"])
    for name, about in SCHEMA["properties"].items():
        assert about["description"] in sections[name]
        assert "Default: ``" in sections[name]
    assert "Default: ``20``" in sections["n_bias"]
    assert "Integer from 1 to 1000." in sections["n_bias"]
    assert "Text or integer from 0 or ``null``." in sections["filter"]
    assert "True or false." in sections["do_verify"]
    assert f"Default: ``{[5] * 5 + [15] * 2 + [30] * 16}``" in sections["exp_times_dark"]
    assert ".. _latiss-n_bias:" in text
    assert "Number from 0 to 7200, or list of numbers from 0 to 7200." in sections["exp_times_dark"]
    assert "- ``execution``: " in sections["test_case"]
