"""The Butler repository of a simulated run: a copy of the reference calibrations, marked as simulated."""

from __future__ import annotations

import fcntl
import json
import os
import reprlib
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from lsst.daf.butler import Butler, DataCoordinate, DatasetRef

__all__ = [
    "CONFIG",
    "MEASURED",
    "REFERENCE",
    "VERSION",
    "check_repository",
    "complete_repository",
    "fill_repository",
    "has_measured_reference",
    "is_complete",
    "make_once",
    "make_repository",
    "of_another_version",
    "write_index",
]

MARKER = "SIMULATED.json"
"""File that only a simulated repository has."""

CONFIG = "butler.yaml"
"""File with the configuration of a repository."""

REFERENCE, MEASURED = "reference", "measured"
"""Property of a repository whose reference calibrations were made by the pipelines, and its value."""

VERSION = "version"
"""Property of a repository that need not be the same: of the code that made its reference calibrations."""

MAKING = ".{name}-making"
"""Folder beside the place of a repository, in which it is made before it is moved there."""


_PARTS = "reference", "camera"
"""Collections below that of the reference calibrations."""

PERIOD = 0.1
"""Seconds between two attempts to lock a file that another process has locked."""


def check_repository(path: Path, properties: Mapping[str, Any]) -> None:
    """See whether a repository can be kept at a place, without touching anything.

    Parameters
    ----------
    path
        Folder: an earlier simulated repository, an empty folder, or one that can be made.
    properties
        What an earlier repository must have been made with, e.g. its scale, and with nothing else.

    Raises
    ------
    ValueError
        It cannot, and why.
    """
    if "." in path.name:
        raise ValueError("the folder name of a Butler repository cannot hold a dot")
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        _check_makeable(Path(os.path.realpath(path)))
        return
    if not path.is_dir():
        raise ValueError("it is no folder")
    if not (path / MARKER).is_file():
        raise ValueError("it is not a simulated repository, and simulated data never go into another")
    made = _read_marker(path / MARKER)
    for name in dict.fromkeys((*properties, *made)):
        before, now = made.get(name, False), properties.get(name, False)
        if before != now and name != VERSION:
            raise ValueError(f"it was made with {name} {reprlib.repr(before)}, not {now}")


def _check_makeable(path: Path) -> None:
    """Raise ValueError if no repository can be made beside a place and moved there."""
    if not path.parent.is_dir():
        raise ValueError(f"it is not there, and neither is {path.parent}")
    if os.path.ismount(path):
        raise ValueError("it is a mount point; name a folder in it")
    try:  # for root everything is writable, says the system
        tempfile.TemporaryDirectory(dir=path.parent).cleanup()
    except OSError as error:
        raise ValueError(f"{path.parent} is not writable: {error.strerror}") from None


def _read_marker(path: Path) -> dict[str, Any]:
    """Properties of a simulated repository; raise ValueError if its marker cannot be read."""
    try:
        made = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"its {MARKER} cannot be read: {reprlib.repr(str(error))}") from None
    if not isinstance(made, dict):
        raise ValueError(f"its {MARKER} is no mapping")
    return made


def is_complete(path: Path) -> bool:
    """Find out whether a simulated repository is there; what is half made has another place.

    Parameters
    ----------
    path
        Where it would be.

    Returns
    -------
    complete
        Whether it has the marker.
    """
    return (path / MARKER).is_file()


def has_measured_reference(path: Path) -> bool:
    """Find out whether the reference calibrations of a repository are those that the pipelines make.

    Parameters
    ----------
    path
        A complete repository.

    Returns
    -------
    measured
        As it was asked for when it was made.

    Raises
    ------
    ValueError
        Its marker cannot be read.
    """
    return _read_marker(path / MARKER).get(REFERENCE) == MEASURED


def of_another_version(path: Path, properties: Mapping[str, Any]) -> str:
    """Say that the reference calibrations of a repository are not those that would be made now.

    Parameters
    ----------
    path, properties
        A complete repository, and those of a new one.

    Returns
    -------
    remark
        In words; empty if they are the same.

    Raises
    ------
    OSError
        Its marker cannot be read.
    """
    try:
        made = _read_marker(path / MARKER).get(VERSION)
    except ValueError as error:
        raise OSError(f"{path}: {error}") from None
    if made == properties.get(VERSION):
        return ""
    which = "an earlier version" if made is None else "another version"
    return f"{path}: its reference calibrations are of {which}; they are kept and may differ from new ones."


def make_once(
    path: Path, properties: Mapping[str, Any], make: Callable[[Path], None], check: Callable[[], None]
) -> bool:
    """Have a repository made, unless it is there or another process makes it meanwhile.

    It is made beside its place and moved there when it is complete: whatever else is at that place, or in it,
    is left alone. What a process that was killed has left is removed by the next one for the same place.

    Parameters
    ----------
    path, properties
        Where, and what is written into the marker; see `check_repository`.
    make
        Makes it as the folder that it is given, which is not there yet. Further folders beside that one are
        removed in the end.
    check
        Called while another process has the place, and before the repository is; its exceptions end the work.

    Returns
    -------
    made
        Whether it was not there.

    Raises
    ------
    OSError
        The file system refused, or another process has made it there with other properties.
    """
    if is_complete(path):
        return False
    place = Path(os.path.realpath(path))
    with _alone(place.with_name(MAKING.format(name=place.name)), check) as beside:
        if is_complete(place):
            try:
                check_repository(path, properties)
            except ValueError as error:
                raise FileExistsError(f"another run has just made {path}: {error}") from None
            return False
        for left in beside.iterdir():
            if left.is_dir():
                shutil.rmtree(left)
        folder = beside / place.name
        make(folder)
        check()
        (folder / MARKER).write_text(json.dumps(dict(properties), indent=1) + "\n", encoding="utf-8")
        folder.rename(place)  # which the system does for an empty folder, and refuses for any other
    return True


@contextmanager
def _alone(folder: Path, check: Callable[[], None]) -> Iterator[Path]:
    """Make a folder that one process at a time has for itself; it is removed in the end."""
    lock = folder / "lock"
    while True:
        folder.mkdir(exist_ok=True)
        try:
            file = lock.open("w")
        except FileNotFoundError:  # another process has just removed the folder
            continue
        with file:
            _wait_for_lock(file.fileno(), check)
            if not _is_at(lock, file.fileno()):
                continue
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return


def _wait_for_lock(file: int, check: Callable[[], None]) -> None:
    """Lock a file as soon as no other process has it locked; the exceptions of `check` end the waiting."""
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            check()
            threading.Event().wait(PERIOD)  # another process holds it: real time, also in a simulated loop
        else:
            return


def _is_at(path: Path, file: int) -> bool:
    """Whether an open file is still what its path means."""
    try:
        return os.path.samestat(path.stat(), os.fstat(file))
    except FileNotFoundError:
        return False


def make_repository(
    path: Path, reference: Path, calibrations: str, properties: Mapping[str, Any], check: Callable[[], None]
) -> None:
    """Make the repository of a run, or give an earlier one the reference calibrations that it lacks.

    Parameters
    ----------
    path, properties, check
        As for `make_once`; `check` is also called before each file is copied.
    reference, calibrations
        Repository of the reference calibrations, which is copied, and their collection in it.

    Raises
    ------
    OSError
        As for `make_once`.
    """
    if not make_once(path, properties, partial(_copy, reference, check=check), check):
        complete_repository(path, reference, calibrations)


def _copy(source: Path, target: Path, check: Callable[[], None]) -> None:
    """Copy a folder; raise OSError if that fails."""

    def copy(path: str, to: str) -> str:
        check()
        return shutil.copy2(path, to)

    try:
        shutil.copytree(source, target, copy_function=copy)
    except shutil.Error as error:  # its text is a list of all files, and of paths and reasons
        (first, _, why), *others = error.args[0]
        more = f" (and {len(others)} more)" if others else ""
        raise OSError(f"{first}{more} could not be copied to {target}: {why}") from None


def fill_repository(path: Path, reference: Path, calibrations: str) -> None:
    """Copy the reference calibrations into a repository that has just been made, dataset by dataset.

    Parameters
    ----------
    path, reference, calibrations
        The repository, that of the reference calibrations, and their collection in both.
    """
    from lsst.daf.butler import Butler, CollectionType

    with Butler.from_config(str(path), writeable=True) as kept:
        parts = [f"{calibrations}/{part}" for part in _PARTS]
        for part in parts:
            kept.collections.register(part, CollectionType.CALIBRATION)
        kept.collections.register(calibrations, CollectionType.CHAINED)
        kept.collections.redefine_chain(calibrations, parts)
    complete_repository(path, reference, calibrations)


def complete_repository(path: Path, reference: Path, calibrations: str) -> None:
    """Copy reference calibrations of further filters and detectors.

    Parameters
    ----------
    path, reference, calibrations
        As for `fill_repository`.
    """
    from lsst.daf.butler import Butler, Timespan

    with Butler.from_config(str(reference)) as source, Butler.from_config(str(path), writeable=True) as kept:
        for part in _PARTS:
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


def write_index(path: Path, repository: Path, labels: Iterable[str]) -> None:
    """Write the index by which the Butler finds a repository under its names of the observatory.

    Parameters
    ----------
    path
        File, for the environment variable ``DAF_BUTLER_REPOSITORY_INDEX``.
    repository, labels
        Simulated repository, and its names.
    """
    path.write_text(yaml.safe_dump({label: str(repository) for label in labels}), encoding="utf-8")
