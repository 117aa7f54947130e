"""The site on which jobs run: a file of ``lsst.ctrl.bps.parsl``, and what is wrong with it."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import yaml

__all__ = ["LAPTOP", "BatchError", "read_batch"]

LAPTOP = "laptop.yaml"
"""The packaged site: this machine, two workers."""

_ENGINE = "parsl"
_NEEDED = ("lsst.ctrl.bps", "lsst.ctrl.bps.parsl", "parsl")


class BatchError(ValueError):
    """Jobs cannot run in that way; the text says why."""


def read_batch(asked: str) -> str:
    """Read where jobs are to run, and see whether they can.

    Parameters
    ----------
    asked
        ``parsl`` for the packaged site of this machine, or ``parsl:FILE``.

    Returns
    -------
    site
        The site in YAML, as a part of a submit description of ``lsst.ctrl.bps``.

    Raises
    ------
    BatchError
        The plug-in is not installed, or the file names no site that it can use.
    """
    engine, separator, name = asked.partition(":")
    if engine != _ENGINE or (separator and not name):
        raise BatchError("write parsl for the packaged site of this machine, or parsl:FILE for another")
    if missing := [each for each in _NEEDED if not _is_installed(each)]:
        raise BatchError(f"{missing[0]} is not installed: pip install 'ts-calibrations[batch]'")
    text = _text(name)
    try:
        site = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BatchError(f"it is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(site, dict):
        raise BatchError("it is no mapping with computeSite and site")
    _check(text, site)
    return text


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _text(name: str) -> str:
    if not name:
        return (files(__package__) / LAPTOP).read_text(encoding="utf-8")
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise BatchError(f"it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BatchError("it is no UTF-8 text") from None


def _check(text: str, site: Mapping[object, object]) -> None:
    """Have the plug-in make of the site what it will make of it for each job; nothing is started."""
    from lsst.ctrl.bps import BPS_SEARCH_ORDER

    from .trial import try_site

    for section in BPS_SEARCH_ORDER:
        if not isinstance(site.get(section, {}), dict):
            raise BatchError(f"{section} is no mapping")
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),  # where BpsConfig prints what it has not found
            tempfile.TemporaryDirectory() as folder,
        ):
            try_site(text, Path(folder))
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise BatchError(f"lsst.ctrl.bps.parsl cannot use this site: {reason}") from error
