"""With real pixels, a real Butler and a real pipetask, at a small scale."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from astropy.io import fits
from lsst.daf.butler import Butler

from lsst.ts import salobj
from lsst.ts.calibrations.domain.instruments import LATISS
from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory.pipelines.new_repository import create_repository
from lsst.ts.simulated_observatory.session.observatory import SimulatedObservatory, real_machinery


def test_images_reach_the_butler_and_a_job_that_fails_says_why(tmp_path: Path) -> None:
    repository = tmp_path / "repo"
    create_repository(str(repository))
    machinery = real_machinery(LATISS, repository)
    observatory = SimulatedObservatory(
        LATISS, machinery, images=repository / "raw", jobs=tmp_path / "uws", scale=16, seed=3
    )

    async def body() -> tuple[list[Any], Any]:
        async with observatory, salobj.Domain() as domain:
            camera = salobj.Remote(domain, "ATCamera")
            oods = salobj.Remote(domain, "ATOODS", include=["imageInOODS"])
            ocps = salobj.Remote(domain, "OCPS", 1)
            await asyncio.gather(camera.start_task, oods.start_task, ocps.start_task)
            for image_type, exposure in (("BIAS", 0.0), ("FLAT", 5.0)):
                await camera.cmd_takeImages.set_start(
                    numImages=1,
                    expTime=exposure,
                    shutter=image_type == "FLAT",
                    keyValueMap=f"imageType: {image_type}, groupId: 2025-01-15T18:00:00.000",
                )
                await asyncio.sleep(3)
            outcome = [await oods.evt_imageInOODS.next(flush=False, timeout=60) for _ in range(2)]
            query = "instrument='LATISS' AND detector IN (0) AND exposure IN (2025011500001)"
            await ocps.cmd_execute.set_start(
                pipeline="no_such_pipeline.yaml", config="-j 8", data_query=query, timeout=600
            )
            return outcome, ocps.evt_job_result.get()

    outcome, result = clock.run(body)
    assert [(data.obsid, data.statusCode) for data in outcome] == [
        ("AT_O_20250115_000001", 0),
        ("AT_O_20250115_000002", 0),
    ]
    with Butler.from_config(str(repository), collections="LATISS/raw/all") as butler:
        files = [
            Path(butler.getURI("raw", instrument="LATISS", detector=0, exposure=2025011500000 + n).ospath)
            for n in (1, 2)
        ]
        records = butler.query_dimension_records("exposure", instrument="LATISS", order_by="exposure")
        assert [record.observation_type for record in records] == ["bias", "flat"]
    assert [fits.getval(file, "IMGTYPE") for file in files] == ["BIAS", "FLAT"]
    levels = [fits.getdata(file, "Segment00")[:100, 10:30].mean() for file in files]
    assert levels[1] - levels[0] > 10000.0
    assert not list(repository.rglob("*.segments"))
    assert result.exit_code == 1
    log = tmp_path / "uws" / json.loads(result.result)["jobId"] / "outs" / "ocps.log"
    text = log.read_text()
    assert text.startswith("SIMULATED")
    assert "no_such_pipeline.yaml" in text.splitlines()[-2]
