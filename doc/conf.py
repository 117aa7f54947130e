"""Sphinx configuration of the documentation: that of Rubin's user guides, see documenteer.toml."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

from documenteer.conf.guide import *  # noqa: F403

from lsst.ts.simulated_observatory.sal_names import use_embedded_sal

sys.path.insert(0, str(Path(__file__).parent / "extensions"))
use_embedded_sal()  # so that the scripts can be imported where salobj is not

# Not needed here; sphinxcontrib.redoc also wants pkg_resources, which setuptools no longer has.
# sphinx.ext.ifconfig ends a second build in the same folder with an error.
for name in ("sphinxcontrib.redoc", "documenteer.ext.openapi", "myst_nb", "sphinx.ext.ifconfig"):
    extensions.remove(name)  # noqa: F405

version = release = importlib.metadata.version("ts-calibrations")
exclude_patterns = ["_build", "news"]
smartquotes = False
highlight_language = "bash"  # of blocks after ::, which are commands
html_static_path = [*html_static_path, "static"]  # noqa: F405
html_css_files = [*html_css_files, "pages.css"]  # noqa: F405
ogp_site_url = ""
