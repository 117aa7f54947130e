"""Whole runs on the batch system and with a PostgreSQL database, beside those with processes and SQLite."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lsst.daf.butler import Butler

from lsst.ts.simulated_observatory.repository.database import is_in_database

from ..simulated_observatory.repository.server import Server, running_server

pytestmark = [pytest.mark.endtoend, pytest.mark.long, pytest.mark.timeout(7200)]

NIGHT = """\
generate_calibrations: true
script_mode: BIAS_DARK_FLAT
calib_collection: {instrument}/calib/test
n_bias: 20
n_discard_bias: 0
n_dark: 20
n_discard_dark: 0
exp_times_dark: 30
n_flat: 4
n_discard_flat: 0
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    yield from running_server()


@pytest.mark.parametrize(
    ("script", "instrument", "scale"),
    [
        ("auxtel/make_latiss_calibrations.py", "LATISS", 16),
        ("maintel/make_comcam_calibrations.py", "LSSTComCam", 8),
    ],
)
def test_results_are_those_of_processes_and_sqlite(
    run_script: Callable[..., Any], server: Server, tmp_path: Path, script: str, instrument: str, scale: int
) -> None:
    pytest.importorskip("lsst.ctrl.bps.parsl")
    name = instrument.lower()
    server.sql(f"CREATE DATABASE {name}")
    night = tmp_path / "night.yaml"
    night.write_text(NIGHT.format(instrument=instrument))
    arguments = ["-c", str(night), "--scale", str(scale)]
    batch = run_script(*arguments, "--batch", "parsl", "--repo", server.address(name), script=script)
    assert batch.status == 0, batch.output
    process = run_script(*arguments, script=script)
    assert process.status == 0, process.output
    assert is_in_database(batch.repository)
    assert not is_in_database(process.repository)
    found, expected = outcome(batch), outcome(process)
    assert (found["state"], len(found["certified"])) == ("DONE", 3)
    assert found["gains"]
    for key, value in expected.items():
        assert found[key] == value, key
    logs = [Path(job["log"]).read_text() for job in batch.summary["jobs"]]
    assert all("exec_done" in log for log in logs)
    assert certified(batch.repository, instrument) == certified(process.repository, instrument)


def outcome(run: Any) -> dict[str, Any]:
    """What a run has found and done, with its jobs numbered instead of their ids."""
    names = {job["job_id"]: f"job {number}" for number, job in enumerate(run.summary["jobs"])}
    text = json.dumps({key: run.summary[key] for key in run.summary if key not in WHERE_AND_WHEN})
    for job, name in names.items():
        text = text.replace(job, name)
    return json.loads(text)


WHERE_AND_WHEN = {"repo", "started", "ended", "timeline", "exposures", "jobs", "config"}


def certified(repository: Path, instrument: str) -> set[tuple[str, str, str]]:
    """Type, detector and range of what is certified."""
    with Butler.from_config(str(repository)) as butler:
        return {
            (name, str(each.ref.dataId), str(each.timespan))
            for name in ("bias", "dark", "flat")
            for each in butler.registry.queryDatasetAssociations(
                name, collections=[f"{instrument}/calib/test"]
            )
        }
