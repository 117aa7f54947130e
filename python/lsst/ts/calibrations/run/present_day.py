"""The configuration of a run on the day on which it begins: its dates, and the names of its collections."""

from __future__ import annotations

import logging
from dataclasses import replace

import yaml
from lsst.ts.utils import current_tai

from ..butler.archive import Archive
from ..butler.repository import Repository
from ..config.config import examine
from ..config.schema import load_schema
from ..domain.errors import ArchiveError, ConfigurationError
from ..domain.instruments import day_obs
from ..journal.settings import RunSettings
from .context import PreparedRun

__all__ = ["on_present_day"]


async def on_present_day(
    prepared: PreparedRun, settings: RunSettings | None, log: logging.Logger
) -> PreparedRun:
    """Fill in what a daily configuration leaves open; a run that is resumed has it in its journal.

    Parameters
    ----------
    prepared
        The run as it was configured, perhaps on the day before.
    settings, log
        Where it takes place, None for the observatory's own place, and the log of the script.

    Returns
    -------
    prepared
        The same run; nothing in its configuration is open any more.

    Raises
    ------
    ConfigurationError
        What was filled in does not go together with the rest.
    """
    instrument = prepared.clients.instrument
    schema, day = load_schema(instrument.name), day_obs(current_tai())
    repository = Repository(prepared.config.repo, None if settings is None else settings.open_butler)
    try:
        names = await Archive(repository, instrument).collections()
    except ArchiveError:
        names = []  # a problem that the preflight tells, together with all others
    finally:
        repository.close()
    found = examine(prepared.text, schema, instrument, day, names)
    if found.config is None:
        raise ConfigurationError(found.errors)
    options = yaml.safe_load(found.text)
    meant = [f"{name}: {value}" for name, value in options.items() if found.read.get(name) != value]
    log.info("On observing day %s: %s", day, "; ".join(meant))
    return replace(prepared, text=found.text, config=found.config)
