"""How the camera gets the headers of its images: from the header service, over SAL."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urlparse

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import Instrument

from ..cameras.models import DetectorModel
from ..detector.header import HeaderValue
from .images import Image

__all__ = ["HeaderReader"]


class HeaderReader:
    """Waits for the headers of images.

    Parameters
    ----------
    domain, instrument
        SAL domain and instrument of the camera.
    models
        The detectors for which headers are read, by Butler id.
    """

    def __init__(
        self, domain: salobj.Domain, instrument: Instrument, models: Mapping[int, DetectorModel]
    ) -> None:
        self._models = models
        self._service = salobj.Remote(
            domain, instrument.header_service, include=["largeFileObjectAvailable"], readonly=True
        )
        self._urls: defaultdict[str, asyncio.Future[str]] = defaultdict(asyncio.Future)

    async def start(self) -> None:
        """Listen."""
        self._service.evt_largeFileObjectAvailable.callback = self._take
        await self._service.start_task

    async def headers(self, image: Image, timeout: float) -> Mapping[int, Mapping[str, HeaderValue]]:
        """Headers of an image by detector id.

        Without a header from the service the camera writes the file all the same, with nothing but its name.

        Parameters
        ----------
        image, timeout
            Which one, and seconds to wait.

        Returns
        -------
        headers
            Keywords and values.
        """
        try:
            async with asyncio.timeout(timeout):
                url = await self._urls[image.name]
        except TimeoutError:
            return {detector: {"OBSID": image.name} for detector in self._models}
        finally:
            self._urls.pop(image.name, None)
        sections = json.loads(_read(url))
        return {
            detector: sections[f"{model.data.bay}{model.data.slot}_PRIMARY"]
            for detector, model in self._models.items()
        }

    async def _take(self, data: salobj.BaseMsgType) -> None:
        url = self._urls.get(data.id)
        if url is not None and not url.done():
            url.set_result(data.url)


def _read(url: str) -> bytes:
    return Path(unquote(urlparse(url).path)).read_bytes()
