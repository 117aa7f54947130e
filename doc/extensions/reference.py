"""Sphinx directives that bring in what the program knows itself: options and faults."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from docutils import nodes
from reference_text import option_list
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.simulated_observatory.faults.faults import FAULT_KINDS, shared_options
from lsst.ts.simulated_observatory.faults.options import FaultKind


class ConfigurationOptions(SphinxDirective):
    """``.. configuration-options:: LATISS``: every option of the script of an instrument."""

    required_arguments = 1
    option_spec: ClassVar[OptionSpec] = {}

    def run(self) -> list[nodes.Node]:
        """Make the list from the schema."""
        return self.parse_text_to_nodes(option_list(load_schema(self.arguments[0]), self.arguments[0]))


class SimulatedFaults(SphinxDirective):
    """``.. simulated-faults::``: what ``run_script --fault help`` answers, with a target for each fault."""

    def run(self) -> list[nodes.Node]:
        """Make a list of the faults with their options."""
        return [node for heading, kinds in FAULT_KINDS.items() for node in _faults(heading, kinds)]


def _faults(heading: str, kinds: Mapping[str, FaultKind]) -> Iterator[nodes.Node]:
    """Heading, options that many faults have, and the faults."""
    shared = shared_options(kinds)
    yield nodes.paragraph("", "", nodes.strong(text=heading))
    yield nodes.paragraph(text="Options that many of them have:")
    yield _options(shared)
    faults = nodes.definition_list()
    for name, kind in kinds.items():
        term = nodes.term("", "", nodes.literal(text=name), ids=[f"fault-{name}"])
        options = [option.explained(key) for key, option in kind.options.items()]
        meaning = nodes.paragraph(text=kind.meaning)
        for n, (key, _) in enumerate(each for each in options if each in shared):
            meaning += [nodes.Text(", " if n else "; "), nodes.literal(text=key)]
        own = [each for each in options if each not in shared]
        definition = nodes.definition("", meaning, *([_options(own)] if own else []))
        faults += nodes.definition_list_item("", term, definition)
    yield faults


def _options(options: Iterable[tuple[str, str]]) -> nodes.bullet_list:
    listed = nodes.bullet_list()
    for written, meaning in options:
        words = nodes.paragraph("", "", nodes.literal(text=written), nodes.Text(f" {meaning}"))
        listed += nodes.list_item("", words)
    return listed


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx of the directives."""
    app.add_directive("configuration-options", ConfigurationOptions)
    app.add_directive("simulated-faults", SimulatedFaults)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
