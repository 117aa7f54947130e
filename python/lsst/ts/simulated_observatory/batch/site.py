"""The site on which jobs run: a file of ``lsst.ctrl.bps.parsl``, and what is wrong with it."""

from __future__ import annotations

import contextlib
import importlib
import io
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from .reason import LONGEST_REASON, reason_in_one_line

__all__ = ["LAPTOP", "BatchError", "read_batch"]

LAPTOP = "laptop.yaml"
"""The packaged site: this machine, two workers."""

SCHEMA = "site.schema.yaml"
"""What a site may say."""

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
    for module in _NEEDED:
        try:
            importlib.import_module(module)
        except Exception as error:
            advice = "pip install 'ts-calibrations[batch]'"
            raise BatchError(
                f"{module} cannot be imported ({reason_in_one_line(error)}): {advice}"
            ) from error
    text = _text(name)
    _check(text)
    return text


def _text(name: str) -> str:
    if not name:
        return _packaged(LAPTOP)
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise BatchError(f"it cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise BatchError(f"it is no UTF-8 text: {error}") from None


def _packaged(name: str) -> str:
    return (files(__package__) / name).read_text(encoding="utf-8")


def _check(text: str) -> None:
    """See whether a site says what it may say, and its plug-in can use it; nothing is started."""
    try:
        site = yaml.safe_load(text)
    except Exception as error:  # of many kinds
        raise BatchError(f"it is no YAML: {reason_in_one_line(error)}") from None
    validator = jsonschema.Draft7Validator(yaml.safe_load(_packaged(SCHEMA)))
    for wrong in validator.iter_errors(_used(site)):  # the first
        where = ".".join(map(str, wrong.absolute_path))
        raise BatchError(f"{where or 'it'}: {wrong.message}"[:LONGEST_REASON])
    try:
        from .trial import try_site

        with contextlib.redirect_stdout(io.StringIO()):  # where BpsConfig prints what it has not found
            try_site(site)
    except Exception as error:
        raise BatchError(f"lsst.ctrl.bps.parsl cannot use this site: {reason_in_one_line(error)}") from error


def _used(site: Any) -> Any:
    """What a file says without the sites that are not used, which other plug-ins may have."""
    match site:
        case {"computeSite": str(name), "site": {**sites}} if name in sites:
            return {**site, "site": {name: sites[name]}}
    return site
