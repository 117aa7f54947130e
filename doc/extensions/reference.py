"""Sphinx directives that bring in what the program knows itself: options and faults."""

from __future__ import annotations

from typing import ClassVar

from docutils import nodes
from reference_text import option_list
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.simulated_observatory.faults.faults import FAULT_KINDS


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
        found: list[nodes.Node] = []
        for heading, kinds in FAULT_KINDS.items():
            faults = nodes.definition_list()
            found += [nodes.paragraph("", "", nodes.strong(text=heading)), faults]
            for name, kind in kinds.items():
                term = nodes.term("", "", nodes.literal(text=name), ids=[f"fault-{name}"])
                options = nodes.bullet_list()
                for key, option in kind.options.items():
                    written, meaning = option.explained(key)
                    words = nodes.paragraph("", "", nodes.literal(text=written), nodes.Text(f" {meaning}"))
                    options += nodes.list_item("", words)
                definition = nodes.definition("", nodes.paragraph(text=kind.meaning), options)
                faults += nodes.definition_list_item("", term, definition)
        return found


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx of the directives."""
    app.add_directive("configuration-options", ConfigurationOptions)
    app.add_directive("simulated-faults", SimulatedFaults)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
