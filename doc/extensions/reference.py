"""Sphinx directives that bring in what the program knows itself: options and faults."""

from __future__ import annotations

from typing import ClassVar

from docutils import nodes
from reference_text import option_list
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata, OptionSpec

from lsst.ts.calibrations.config.schema import load_schema
from lsst.ts.simulated_observatory.faults.faults import describe_faults


class ConfigurationOptions(SphinxDirective):
    """``.. configuration-options:: LATISS``: every option of the script of an instrument."""

    required_arguments = 1
    option_spec: ClassVar[OptionSpec] = {}

    def run(self) -> list[nodes.Node]:
        """Make the list from the schema."""
        return self.parse_text_to_nodes(option_list(load_schema(self.arguments[0])))


class SimulatedFaults(SphinxDirective):
    """``.. simulated-faults::``: the answer of ``run_script SCRIPT --fault help``."""

    def run(self) -> list[nodes.Node]:
        """Show the help text as it is."""
        text = describe_faults()
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx of the directives."""
    app.add_directive("configuration-options", ConfigurationOptions)
    app.add_directive("simulated-faults", SimulatedFaults)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
