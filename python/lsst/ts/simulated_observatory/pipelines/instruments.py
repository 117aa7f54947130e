"""The instruments, as the Butler and the pipelines know them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar

from lsst.daf.butler import DataId, Registry
from lsst.pipe.base import Instrument
from lsst.utils.introspection import get_full_type_name

from lsst.ts.calibrations.domain import instruments as domain

from ..cameras import CAMERAS
from .formatters import RawFormatter

__all__ = ["INSTRUMENTS", "CalibrationInstrument", "instrument_of"]


class CalibrationInstrument(Instrument):
    """An instrument whose detectors are those of the project's instrument description."""

    description: ClassVar[domain.Instrument]
    filter_keywords: ClassVar[tuple[str, ...]]
    """Keywords of a raw header that make the name of the physical filter."""

    @classmethod
    def getName(cls) -> str:
        """Name in the Butler, e.g. ``LATISS``."""
        return cls.description.name

    def getRawFormatter(self, dataId: DataId) -> type[RawFormatter]:  # type: ignore[override]
        """Class of the reader of raw images.

        Parameters
        ----------
        dataId
            Of an image.

        Returns
        -------
        formatter
            The same for all.
        """
        return RawFormatter

    def register(self, registry: Registry, *, update: bool = False) -> None:
        """Insert instrument and detectors; filters are inserted when an image has them.

        Parameters
        ----------
        registry, update
            Of the repository, and whether records that differ are replaced.
        """
        name, detectors = self.getName(), self.description.detectors
        with registry.transaction():
            record: dict[str, Any] = {
                "name": name,
                "class_name": get_full_type_name(type(self)),
                "detector_max": max(detectors) + 1,
                **dict.fromkeys(("exposure_max", "visit_max"), 10**13 * 8),
            }
            registry.syncDimensionData("instrument", record, update=update)
            for number, full_name in detectors.items():
                raft, _, slot = full_name.partition("_")
                registry.syncDimensionData(
                    "detector",
                    {
                        "instrument": name,
                        "id": number,
                        "full_name": full_name,
                        "raft": raft,
                        "name_in_raft": slot,
                        "purpose": "SCIENCE",
                    },
                    update=update,
                )

    @classmethod
    def detector_and_filter(cls, header: Mapping[str, Any]) -> tuple[int, str]:
        """Detector and filter of a raw image.

        Parameters
        ----------
        header
            Primary header.

        Returns
        -------
        detector, physical_filter
            As the Butler has them. The filter is that and the grating, if there are any, e.g. ``r_57``; the
            number of an empty place is left out.

        Raises
        ------
        ValueError
            The instrument has no such detector.
        """
        names = (str(header.get(key) or "unknown") for key in cls.filter_keywords)
        physical_filter = "~".join(re.sub(r"^empty_\d+$", "empty", name) for name in names)
        ids = {name: number for number, name in cls.description.detectors.items()}
        if len(ids) == 1:
            # The only detector of LATISS is RXX_S00 in the Butler, but R00, S00 for the camera system.
            return next(iter(ids.values())), physical_filter
        full_name = f"{header.get('RAFTBAY')}_{header.get('CCDSLOT')}"
        if full_name not in ids:
            raise ValueError(f"{cls.getName()} has no detector {full_name}")
        return ids[full_name], physical_filter


def _class_of(name: str) -> type[CalibrationInstrument]:
    """Make the class of an instrument; with gratings a physical filter is e.g. ``SDSSr_65mm~empty``."""
    camera = CAMERAS[name]
    members = {
        "__module__": __name__,
        "__doc__": f"{name}, as the Butler knows it.",
        "description": domain.INSTRUMENTS[name],
        "filter_keywords": ("FILTER", "GRATING") if camera.gratings else ("FILTER",),
    }
    return type(camera.butler_class, (CalibrationInstrument,), members)


INSTRUMENTS: Mapping[str, type[CalibrationInstrument]] = {name: _class_of(name) for name in CAMERAS}
"""All instruments by name."""

# A Butler imports the class of an instrument from here, by the name that its repository has recorded.
globals().update({each.__name__: each for each in INSTRUMENTS.values()})

_BY_HEADER = {camera.keywords["INSTRUME"]: INSTRUMENTS[name] for name, camera in CAMERAS.items()}


def instrument_of(header: Mapping[str, Any]) -> type[CalibrationInstrument]:
    """Instrument of a raw image.

    Parameters
    ----------
    header
        Primary header.

    Returns
    -------
    instrument
        Its class.

    Raises
    ------
    KeyError
        There is no ``INSTRUME`` in the header.
    ValueError
        The instrument is none of those known here.
    """
    name = header["INSTRUME"]
    if name not in _BY_HEADER:
        raise ValueError(f"INSTRUME is {name!r}; known are {', '.join(map(str, _BY_HEADER))}")
    return _BY_HEADER[name]
