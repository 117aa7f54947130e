"""The Butler repository of a simulated run: a copy of the reference calibrations, marked as simulated."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..domain.text import one_line

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef

__all__ = ["add_aliases", "being_made", "check_repository", "is_complete", "make_repository", "write_index"]

MARKER = "SIMULATED.json"
"""File that only a simulated repository has."""

MAKING = "SIMULATED.making"
"""File that only a simulated repository has, until it is complete; what is beside it may be removed."""


def check_repository(path: Path, properties: Mapping[str, Any]) -> None:
    """See whether a repository can be kept at a place, without touching anything.

    Parameters
    ----------
    path
        Folder: a simulated repository of before (its making may have been interrupted), an empty folder, or
        one that can be made.
    properties
        What a repository of before must have been made with, e.g. its scale, and with nothing else.

    Raises
    ------
    ValueError
        It cannot, and why.
    """
    if "." in path.name:
        raise ValueError("the folder name of a Butler repository cannot hold a dot")
    if not path.exists():
        if not path.parent.is_dir():
            raise ValueError(f"it is not there, and neither is {path.parent}")
        return
    if not path.is_dir():
        raise ValueError("it is no folder")
    if not any(path.iterdir()) or (path / MAKING).is_file():
        return
    if not (path / MARKER).is_file():
        raise ValueError("it is not a simulated repository, and simulated data never go into another")
    made = _read_marker(path / MARKER)
    for name in dict.fromkeys((*properties, *made)):
        before, now = made.get(name, False), properties.get(name, False)
        if before != now:
            raise ValueError(f"it was made with {name} {one_line(str(before), 80)}, not {now}")


def _read_marker(path: Path) -> dict[str, Any]:
    """Properties of a simulated repository.

    Raises
    ------
    ValueError
        The marker cannot be read.
    """
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"its {MARKER} cannot be read: {one_line(error)}") from None
    if not isinstance(made, dict):
        raise ValueError(f"its {MARKER} is no mapping")
    return made


def is_complete(path: Path) -> bool:
    """Whether a simulated repository is there, whose making was not interrupted."""
    return (path / MARKER).is_file() and not (path / MAKING).is_file()


@contextmanager
def being_made(path: Path, properties: Mapping[str, Any]) -> Iterator[None]:
    """Mark a folder as a simulated repository, which is complete when the block has ended.

    If the block does not come to its end, the next one at this place finds an empty folder again.

    Parameters
    ----------
    path
        Where; see `check_repository`.
    properties
        Written into the marker.
    """
    path.mkdir(exist_ok=True)
    if (path / MAKING).is_file():
        _clear(path)
    (path / MAKING).touch()
    yield
    (path / MARKER).write_text(json.dumps(dict(properties), indent=1) + "\n", encoding="utf-8")
    (path / MAKING).unlink()


def _clear(path: Path) -> None:
    """Remove what an interrupted making has left; what tells of it stays, as this may be interrupted, too."""
    for each in path.iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        elif each.name != MAKING:
            each.unlink()


def make_repository(path: Path, reference: Path, calibrations: str, properties: Mapping[str, Any]) -> None:
    """Make the repository of a run, or give one of before the reference calibrations that it lacks.

    Parameters
    ----------
    path
        Where.
    reference
        Repository of the reference calibrations; it is copied.
    calibrations
        Collection of the reference calibrations, e.g. ``LATISS/calib``.
    properties
        Written into the marker.
    """
    if is_complete(path):
        _complete(path, reference, calibrations)
        return
    with being_made(path, properties):
        shutil.copytree(reference, path, dirs_exist_ok=True)


def _complete(path: Path, reference: Path, calibrations: str) -> None:
    """Copy reference calibrations of further filters and detectors."""
    from lsst.daf.butler import Butler, Timespan

    with Butler.from_config(str(reference)) as source, Butler.from_config(str(path), writeable=True) as kept:
        for part in ("reference", "camera"):
            collection = f"{calibrations}/{part}"
            there = _certified(kept, collection)
            refs = [ref for key, ref in _certified(source, collection).items() if key not in there]
            if refs:
                kept.transfer_from(
                    source, refs, transfer="copy", register_dataset_types=True, transfer_dimensions=True
                )
                kept.registry.certify(collection, refs, Timespan(None, None))


def _certified(butler: Butler, collection: str) -> dict[tuple[str, DataCoordinate], DatasetRef]:
    """All that is certified in a collection, by dataset type and data ID."""
    types = butler.collections.get_info(collection, include_summary=True).dataset_types or ()
    return {
        (name, each.ref.dataId): each.ref
        for name in types
        for each in butler.registry.queryDatasetAssociations(name, collections=[collection])
    }


def add_aliases(path: Path, calibrations: str, names: Iterable[str]) -> None:
    """Give the reference calibrations further collection names.

    Parameters
    ----------
    path
        Repository.
    calibrations
        Collection of the reference calibrations.
    names
        Chained collections to make; one that is there already is left as it is.
    """
    from lsst.daf.butler import Butler, CollectionType

    with Butler.from_config(str(path), writeable=True) as butler:
        for name in names:
            if butler.collections.register(name, CollectionType.CHAINED):
                butler.collections.redefine_chain(name, [calibrations])


def write_index(path: Path, repository: Path, labels: Iterable[str]) -> None:
    """Write the index by which the Butler finds a repository under its names of the observatory.

    Parameters
    ----------
    path
        File, for the environment variable ``DAF_BUTLER_REPOSITORY_INDEX``.
    repository
        Simulated repository.
    labels
        Its names.
    """
    index = {label: str(repository) for label in labels}
    path.write_text(yaml.safe_dump(index), encoding="utf-8")
