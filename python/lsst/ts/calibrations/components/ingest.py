"""What the OODS has ingested, image by image and detector by detector."""

from __future__ import annotations

import asyncio
import logging
import re
from collections import defaultdict
from collections.abc import Collection, Mapping

from lsst.ts.utils import current_tai

from lsst.ts import salobj

from ..domain.errors import NO_STATUS, IngestError
from ..domain.instruments import exposure_id
from ..domain.text import one_line

__all__ = ["IngestWatcher"]

_NOT_SET = ("", "undef")
_UNKNOWN_RAFT = "R??"
_NUMBER = re.compile(r"S([0-9]{2,})")  # sensor of a file that the Butler refused: the number of the detector
# What the OODS sends in place of the image if it could not read the header, or knows no more of a file.
_NO_IMAGE = ("", "??")
# Seconds that a file without a name may have been published before the endReadout that was waited for.
BEFORE_READOUT = 60.0


def detector_name(raft: str, sensor: str) -> str:
    """Full detector name; LATISS publishes no raft.

    Parameters
    ----------
    raft, sensor
        Fields of imageInOODS.

    Returns
    -------
    name
        E.g. ``R22_S11``.
    """
    return sensor if raft in _NOT_SET else f"{raft}_{sensor}"


class IngestWatcher:
    """Collects every imageInOODS event, whenever it comes.

    Events are filed by image and detector, so a late, repeated or foreign one cannot be counted for another
    image. A later success replaces an earlier error (a file may be ingested again); an error replaces no
    success. A file that was ingested has the names of image and detector; one that the Butler refused the
    numbers of both; and one whose header cannot be read neither.

    Parameters
    ----------
    remote
        Remote of the OODS; its ``imageInOODS`` callback is taken.
    detectors
        Full names of the detectors of the instrument by Butler id.
    log
        Where failures are told when they come.
    """

    def __init__(self, remote: salobj.Remote, detectors: Mapping[int, str], log: logging.Logger) -> None:
        self._detectors = detectors
        self._log = log
        self._codes: defaultdict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
        """Status code and description by detector, by name or number of the image."""
        self._nameless: list[tuple[float, tuple[int, str]]] = []
        """The same of files whose image is not known, each with its time on the clock of the loop."""
        self._told: set[str] = set()
        """What was warned of."""
        self._changed = asyncio.Condition()
        remote.evt_imageInOODS.callback = self._take

    async def _take(self, data: salobj.BaseMsgType) -> None:
        status = (data.statusCode, data.description)
        recent = current_tai() - data.private_sndStamp < BEFORE_READOUT  # not the last one of the run before
        if data.obsid in _NO_IMAGE and recent:
            self._nameless.append((asyncio.get_running_loop().time(), status))
        codes, name = self._codes[data.obsid], self._detector(data.raft, data.sensor)
        if codes.get(name, (1, ""))[0] != 0:
            codes[name] = status
        async with self._changed:
            self._changed.notify_all()

    def _detector(self, raft: str, sensor: str) -> str:
        number = _NUMBER.fullmatch(sensor) if raft == _UNKNOWN_RAFT else None
        name = detector_name(raft, sensor)
        return name if number is None else self._detectors.get(int(number[1]), name)

    def _missing(self, obs_id: str, detectors: Collection[str]) -> dict[str, str]:
        """Why detectors of an image are not confirmed, by detector."""
        codes = self._codes[f"{exposure_id(obs_id)}"] | self._codes[obs_id]
        return {
            name: _words(*codes[name]) if name in codes else NO_STATUS
            for name in detectors
            if name not in codes or codes[name][0] != 0
        }

    def _tell(self, image: str, refusals: list[str]) -> None:
        """Warn of an image, once."""
        if refusals and image not in self._told:
            self._told.add(image)
            self._log.warning("The OODS did not ingest %s: %s", image, one_line(refusals[0]))

    async def confirmed(self, obs_id: str, detectors: Collection[str], timeout: float) -> None:
        """Wait until every detector of an image is ingested; warn if one is refused.

        Nothing else warns: a script that waits in a queue would tell of the images of others.

        Parameters
        ----------
        obs_id, detectors
            Image name, and full names of the detectors that count; events of others are ignored.
        timeout
            Seconds.

        Raises
        ------
        IngestError
            The time ran out; it names the detectors and what the OODS published of each, or of files of
            which it did not know the image.
        """
        since = asyncio.get_running_loop().time() - BEFORE_READOUT

        def is_ingested() -> bool:
            missing = self._missing(obs_id, detectors)
            self._tell(obs_id, [f"{name}: {why}" for name, why in missing.items() if why != NO_STATUS])
            refused = [_words(*each) for when, each in self._nameless if when >= since and each[0] != 0]
            self._tell("a file without a name", refused)
            return not missing

        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(is_ingested)
        except TimeoutError:
            nameless = tuple(dict.fromkeys(_words(*each) for when, each in self._nameless if when >= since))
            raise IngestError(obs_id, self._missing(obs_id, detectors), timeout, nameless) from None


def _words(code: int, description: str) -> str:
    return f"statusCode {code}: {description}"
