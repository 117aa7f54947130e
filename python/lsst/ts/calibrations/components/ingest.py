"""What the OODS has ingested, image by image and detector by detector."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection

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
        self._codes: defaultdict[str, dict[str, tuple[int, str]]] = defaultdict(dict)
        """Status code and description by detector, by image."""
        self._changed = asyncio.Condition()
        remote.evt_imageInOODS.callback = self._take

    async def _take(self, data: salobj.BaseMsgType) -> None:
        codes, name = self._codes[data.obsid], detector_name(data.raft, data.sensor)
        if codes.get(name, (1, ""))[0] != 0:
            codes[name] = (data.statusCode, data.description)
        async with self._changed:
            self._changed.notify_all()

    def _missing(self, obs_id: str, detectors: Collection[str]) -> dict[str, str]:
        """Why detectors of an image are not confirmed, by detector."""
        codes = self._codes[obs_id]
        return {
            name: f"statusCode {codes[name][0]}: {codes[name][1]}" if name in codes else "no imageInOODS came"
            for name in detectors
            if name not in codes or codes[name][0] != 0
        }

    async def confirmed(self, obs_id: str, detectors: Collection[str], timeout: float) -> None:
        """Wait until every detector of an image is ingested.

        Parameters
        ----------
        obs_id, detectors
            Image name, and full names of the detectors that count; events of others are ignored.
        timeout
            Seconds.

        Raises
        ------
        IngestError
            The time ran out; it names the detectors and what the OODS published of each.
        """
        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(lambda: not self._missing(obs_id, detectors))
        except TimeoutError:
            raise IngestError(obs_id, self._missing(obs_id, detectors), timeout) from None
