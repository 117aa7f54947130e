"""Opening a repository that is kept, whatever version has made it, and seeing whether that is possible."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..former_names import FORMER, present_name, understand_former_names
from ..locks import limit_waiting
from .database import check_driver, is_in_database, reason_of
from .repository import CONFIG

__all__ = ["check_opens", "use_present_names"]


def use_present_names(path: Path) -> None:
    """Let a repository that is kept be read, whatever version of the project has made it.

    Its configuration is rewritten with the present names of classes, since the Butler refuses two
    repositories in one process that name the type of a storage class differently. Former names in its
    database are understood from now on.

    Parameters
    ----------
    path
        A complete repository.

    Raises
    ------
    OSError
        The file system refused.
    """
    understand_former_names()
    config, present = path / CONFIG, _present_config(path)
    if present != config.read_text(encoding="utf-8"):
        beside = config.with_suffix(".rewritten")
        beside.write_text(present, encoding="utf-8")
        beside.replace(config)


def check_opens(path: Path) -> None:
    """See whether the Butler can open a repository to write to it, without touching anything.

    Parameters
    ----------
    path
        A complete repository.

    Raises
    ------
    ValueError
        It cannot, and why, on one line: its configuration or its database is damaged or of another version,
        the server is not there, or the driver is not installed.
    """
    from lsst.daf.butler import Butler, Config
    from lsst.resources import ResourcePath

    try:
        if is_in_database(path):
            check_driver()
            limit_waiting()
        understand_former_names()
        config = Config.fromString(_present_config(path))
        config.configFile = ResourcePath(path / CONFIG)
        with _quiet():
            for writeable in (False, True):  # to write first would make a file that is not there
                with Butler.from_config(config, writeable=writeable) as butler:
                    butler.collections.query("*")
    except Exception as error:  # the Butler's have no base, and libraries below it raise their own
        raise ValueError(f"the Butler cannot open it: {reason_of(error)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the line in which the Butler says that it could not be made, but not why."""
    logger = logging.getLogger("lsst.daf.butler.direct_butler._direct_butler")
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = False


def _present_config(path: Path) -> str:
    """Configuration of a repository, with the present names of classes."""
    text = (path / CONFIG).read_text(encoding="utf-8")
    return re.sub(rf"\b{re.escape(FORMER)}[\w.]*", lambda name: present_name(name[0]), text)
