"""Says the version to conda-build, which runs this in the folder of pyproject.toml; pip never does."""

import tomllib
from pathlib import Path

import setuptools
import setuptools_scm

options = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools_scm"]
setuptools.setup(version=setuptools_scm.get_version(**options))
