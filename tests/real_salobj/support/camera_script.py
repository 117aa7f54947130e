"""A script that connects to a camera and does nothing else: ``camera_script.py CLASS INDEX``."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import Any

from lsst.ts import salobj

MODULE, _, NAME = sys.argv.pop(1).rpartition(".")
CAMERA_CLASS = getattr(importlib.import_module(f"lsst.ts.observatory.control.{MODULE}"), NAME)


class CameraScript(salobj.BaseScript):
    """Makes the camera class when it is configured, as most scripts do."""

    def __init__(self, index: int) -> None:
        super().__init__(index=index, descr="a camera")

    @classmethod
    def get_schema(cls) -> None:
        return None

    async def configure(self, config: Any) -> None:
        self.camera = CAMERA_CLASS(domain=self.domain, log=self.log)
        await self.camera.start_task

    def set_metadata(self, metadata: Any) -> None:
        metadata.duration = 1.0

    async def run(self) -> None:
        pass


if __name__ == "__main__":
    asyncio.run(CameraScript.amain())
