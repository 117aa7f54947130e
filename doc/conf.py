"""Sphinx configuration of the documentation."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "extensions"))

project = "ts_calibrations"
copyright = "2026, the ts_calibrations developers"
version = release = importlib.metadata.version("ts-calibrations")

extensions = ["sphinx.ext.autodoc", "reference"]
exclude_patterns = ["_build", "news"]
nitpicky = True
smartquotes = False

html_theme = "alabaster"
html_theme_options = {"description": "Calibrations of the Rubin Observatory, and a simulated observatory"}
