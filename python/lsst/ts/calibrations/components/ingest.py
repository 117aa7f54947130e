"""What the OODS has ingested, image by image and detector by detector."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field

from lsst.ts import salobj

from ..domain.errors import IngestError

__all__ = ["IngestWatcher"]

_NOT_SET = ("", "undef")


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


@dataclass
class _Image:
    """What the OODS has published of one image."""

    codes: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Status code and description by detector."""
    changed: asyncio.Event = field(default_factory=asyncio.Event)


class IngestWatcher:
    """Collects every imageInOODS event, whenever it comes.

    Events are filed by image and detector, so a late, repeated or foreign one cannot be counted for another
    image. A later success replaces an earlier error (the OODS tries again); an error replaces no success.

    Parameters
    ----------
    remote
        Remote of the OODS; its ``imageInOODS`` callback is taken.
    """

    def __init__(self, remote: salobj.Remote) -> None:
        self._images: defaultdict[str, _Image] = defaultdict(_Image)
        remote.evt_imageInOODS.callback = self._take

    async def _take(self, data: salobj.BaseMsgType) -> None:
        image = self._images[data.obsid]
        name = detector_name(data.raft, data.sensor)
        if image.codes.get(name, (1, ""))[0] != 0:
            image.codes[name] = (data.statusCode, data.description)
        image.changed.set()

    def missing(self, obs_id: str, detectors: Collection[str]) -> dict[str, str]:
        """Find the detectors of an image that are not confirmed.

        Parameters
        ----------
        obs_id
            Image name.
        detectors
            Full detector names.

        Returns
        -------
        missing
            Why, by detector.
        """
        codes = self._images[obs_id].codes
        return {
            name: f"statusCode {codes[name][0]}: {codes[name][1]}" if name in codes else "no imageInOODS came"
            for name in detectors
            if name not in codes or codes[name][0] != 0
        }

    async def confirmed(self, obs_id: str, detectors: Collection[str], timeout: float) -> None:
        """Wait until every detector of an image is ingested.

        Parameters
        ----------
        obs_id
            Image name.
        detectors
            Full detector names that count; events of others are ignored.
        timeout
            Seconds.

        Raises
        ------
        IngestError
            The time ran out; it names the detectors and what the OODS published of each.
        """
        image = self._images[obs_id]
        try:
            async with asyncio.timeout(timeout):
                while self.missing(obs_id, detectors):
                    image.changed.clear()
                    await image.changed.wait()
        except TimeoutError:
            raise IngestError(obs_id, self.missing(obs_id, detectors), timeout) from None
