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
    """Full detector name from the two fields of an event; LATISS publishes no raft."""
    return sensor if raft in _NOT_SET else f"{raft}_{sensor}"


@dataclass
class _Image:
    """What was said of one image so far."""

    codes: dict[str, tuple[int, str]] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)


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
        image.news.set()

    def missing(self, obs_id: str, detectors: Collection[str]) -> dict[str, str]:
        """Detectors of an image that are not confirmed, and why."""
        codes = self._images[obs_id].codes
        said = {name: codes.get(name) for name in detectors}
        return {
            name: "no imageInOODS came" if code is None else f"statusCode {code[0]}: {code[1]}"
            for name, code in said.items()
            if code is None or code[0] != 0
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
            The time ran out; it names the detectors and what the OODS said of each.
        """
        image = self._images[obs_id]
        try:
            async with asyncio.timeout(timeout):
                while self.missing(obs_id, detectors):
                    image.news.clear()
                    await image.news.wait()
        except TimeoutError:
            raise IngestError(obs_id, self.missing(obs_id, detectors), timeout) from None
