"""Distributions of the package, made once, from a copy of the source tree that has no git."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

_NOT_SOURCE = (
    *(".git", ".venv", ".*_cache", ".hypothesis", ".setup.lock", ".import_linter_cache"),
    *("runs", "build", "dist", "_build", "__pycache__", "*.egg-info"),
)

_BUILD = """
import sys
from setuptools import build_meta
out = sys.argv[1]  # which building changes
build_meta.build_sdist(out)
build_meta.build_wheel(out)
"""


@dataclass(frozen=True)
class Distributions:
    """A wheel and a source distribution, and the tree that they were made from."""

    tree: Path
    sdist: Path
    wheel: Path

    def packaged(self) -> set[str]:
        """Files of the package, as the tree has them."""
        source = self.tree / "python"
        return {str(path.relative_to(source)) for path in (source / "lsst").rglob("*") if path.is_file()}

    def unpack(self, folder: Path) -> Path:
        """Unpack the source distribution; return its folder."""
        with tarfile.open(self.sdist) as archive:
            archive.extractall(folder, filter="data")
        return next(folder.iterdir())


def build(tree: Path, out: Path) -> Distributions:
    """Make both, as ``pip wheel . --no-build-isolation`` does."""
    ended = subprocess.run(
        [sys.executable, "-c", _BUILD, str(out)], cwd=tree, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return Distributions(tree, sdist, wheel)


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    pytest.importorskip("setuptools_scm", reason="distributions are built with setuptools_scm")
    folder = tmp_path_factory.mktemp("distributions")
    shutil.copytree(ROOT, folder / "tree", ignore=shutil.ignore_patterns(*_NOT_SOURCE), symlinks=True)
    (folder / "out").mkdir()
    return build(folder / "tree", folder / "out")


@pytest.fixture(scope="session")
def installed(distributions: Distributions, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder into which pip has installed the wheel, without dependencies."""
    folder = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-index", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(distributions.wheel)], check=True)
    return folder
