"""What comes over SAL: malformed, gigantic, or written for a terminal; the run fails in words or goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lsst.ts import salobj
from lsst.ts.calibrations.components.ocps import OcpsClient
from lsst.ts.calibrations.domain.calibrations import StepKind
from lsst.ts.calibrations.domain.errors import ProcessingError
from lsst.ts.calibrations.domain.instruments import exposure_id
from lsst.ts.calibrations.domain.jobs import JobRequest
from lsst.ts.simulated_observatory.components.camera import CameraCsc
from lsst.ts.simulated_observatory.components.camera_events import CameraEvents
from lsst.ts.simulated_observatory.components.image_folder import ImageFolder
from lsst.ts.simulated_observatory.components.job_messages import ACK_TIMEOUT, JobMessages
from lsst.ts.simulated_observatory.components.ocps import Ocps
from lsst.ts.simulated_observatory.components.oods import Oods

HOSTILE = "\x1b[2J\x1b]0;owned\x07\r\x9b31m\u202eDONE\nDONE: all is well"
"""Clears a terminal, sets its title, goes back to the begin of the line, turns the text round, and lies."""

Make = Callable[..., Any]


JOB = JobRequest(StepKind.VERIFY, "BIAS", pipeline="p", config="-j 1", data_query="exposure IN (1)")


class AcknowledgingOcps:
    """The remote of an OCPS that acknowledges each job with some text, and never says more.

    Parameters
    ----------
    text
        The result of the acknowledgement.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.evt_job_result = SimpleNamespace(callback=None)
        self.cmd_execute = self.cmd_abort_job = self

    async def set_start(self, **_: Any) -> Any:
        return SimpleNamespace(result=self.text)

    async def next_ackcmd(self, _: Any, **__: Any) -> None:
        await asyncio.Event().wait()


def make_client(text: str) -> OcpsClient:
    remote: Any = AcknowledgingOcps(text)
    return OcpsClient(remote)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="half"),
        pytest.param("null", id="null"),
        pytest.param("[]", id="a-list"),
        pytest.param('"job_id"', id="a-text"),
        pytest.param("[" * 50_000, id="deep"),
        pytest.param('{"job_id": null}', id="no-id"),
        pytest.param('{"job_id": true}', id="true"),
        pytest.param('{"job_id": 1.5}', id="a-number-with-a-point"),
        pytest.param('{"job_id": ["a"]}', id="a-list-as-id"),
        pytest.param('{"job_id": ""}', id="empty-id"),
        pytest.param('{"job_id": ".."}', id="above"),
        pytest.param('{"job_id": "../../../canary"}', id="climbing-path"),
        pytest.param('{"job_id": "/etc/passwd"}', id="absolute-path"),
        pytest.param('{"job_id": "*"}', id="glob"),
        pytest.param('{"job_id": "a,LATISS/calib"}', id="two-collections"),
        pytest.param('{"job_id": "$(touch canary)"}', id="command"),
        pytest.param('{"job_id": "x\' OR 1=1 --"}', id="sql"),
        pytest.param(json.dumps({"job_id": HOSTILE}), id="escape-sequences-in-the-id"),
        pytest.param('{"job_id": ' + "9" * 5000 + "}", id="digits"),
        pytest.param(json.dumps({"job_id": "a" * 100_000}), id="gigantic-id"),
        pytest.param(HOSTILE * 1000, id="gigantic-and-hostile"),
    ],
)
def test_an_acknowledgement_that_names_no_job(text: str) -> None:
    """The id becomes a part of a path and of the name of a collection."""
    submitted: list[str] = []
    client = make_client(text)
    with pytest.raises(ProcessingError, match=r"verify BIAS failed: .* without a job id") as caught:
        asyncio.run(client.run(JOB, timeout=1, on_submitted=submitted.append))
    assert submitted == []
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("job_id", ["0123456789abcdef", "job-1_a.b", 7])
def test_an_id_that_is_one(job_id: Any) -> None:
    submitted: list[str] = []
    client = make_client(json.dumps({"job_id": job_id}))
    with pytest.raises(ProcessingError, match="did not end within 0 s"):
        asyncio.run(client.run(JOB, timeout=0.001, on_submitted=submitted.append))
    assert submitted == [f"{job_id}"]


def test_a_run_whose_ocps_names_no_job(script: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The images are kept, and the operator reads why nothing came of them."""

    async def took(self: Any) -> None:
        text = json.dumps({"job_id": f"../../../canary{HOSTILE}"})
        await self._ocps.cmd_execute.ack_in_progress(self._data, timeout=ACK_TIMEOUT, result=text)

    monkeypatch.setattr(JobMessages, "took", took)
    outcome = script({})
    outcome.is_harmless()
    assert outcome.status == 1
    assert "verify BIAS" in outcome.words
    assert "without a job id" in outcome.words
    summary = outcome.summary()
    assert summary["state"] == "FAILED"
    assert summary["jobs"] == []
    assert [each["ingested"] for each in summary["exposures"]] == [True]


def test_two_jobs_with_one_id_are_not_mixed_up() -> None:
    async def both() -> list[Any]:
        client = make_client('{"job_id": "0123456789abcdef"}')
        jobs = [client.run(JOB, timeout=0.01, on_submitted=lambda _: None) for _ in range(2)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    first, second = asyncio.run(both())
    assert "did not end within" in str(first)
    assert "with the id of another job" in str(second)


def test_the_text_of_a_job_result_has_no_effect(script: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its job_id and exit_code tell the end of a job; the text beside them is not even read."""
    publish = JobMessages._publish

    async def other(self: Any, job_id: str, exit_code: int, _: str) -> None:
        for text in ("{", "[" * 50_000, HOSTILE, '{"jobId": "$(touch canary)"}' * 20_000):
            for foreign in ("", "../../x", HOSTILE, "*"):
                await publish(self, foreign, 0, text)
        await publish(self, job_id, exit_code, HOSTILE)

    monkeypatch.setattr(JobMessages, "_publish", other)
    outcome = script({})
    outcome.is_harmless()
    assert outcome.status == 0
    assert outcome.summary()["state"] == "DONE"


@pytest.mark.parametrize(
    ("component", "command", "named"),
    [(Ocps, "do_execute", "verify BIAS"), (CameraCsc, "do_takeImages", "ATCamera did not take")],
    ids=["ocps", "camera"],
)
def test_a_refusal_is_told_so_that_a_terminal_does_not_obey_it(
    script: Make,
    monkeypatch: pytest.MonkeyPatch,
    component: type,
    command: str,
    named: str,
) -> None:
    async def refuse(_self: Any, _data: Any) -> None:
        raise salobj.ExpectedError(HOSTILE + "x" * 1_000_000)

    monkeypatch.setattr(component, command, refuse)
    outcome = script({})
    outcome.is_harmless()
    assert outcome.status in (1, 2)
    assert named in outcome.words
    assert len(outcome.screen) < 30_000
    assert not any(line.startswith("DONE: all") for line in outcome.screen.splitlines())
    assert outcome.summary()["state"] == "FAILED"
    assert "\x1b" not in outcome.summary()["reason"]


def test_the_description_of_a_failed_ingest_is_told_likewise(
    script: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = Oods._publish

    async def other(self: Any, obsid: str, raft: str, sensor: str, *_: Any) -> None:
        await publish(self, "../../x", "undef", HOSTILE, 0, HOSTILE)
        await publish(self, f"{obsid}\n", raft, sensor, 0, HOSTILE)
        await publish(self, "??", HOSTILE, HOSTILE, 2, HOSTILE * 1000)
        await publish(self, obsid, raft, sensor, 7, HOSTILE * 1000)

    monkeypatch.setattr(Oods, "_publish", other)
    outcome = script({"oods_timeout": 30})
    outcome.is_harmless()
    assert outcome.status == 1
    assert "RXX_S00: statusCode 7: \\x1b[2J" in outcome.words
    assert not any(line.startswith("DONE: all") for line in outcome.screen.splitlines())
    assert [each["ingested"] for each in outcome.summary()["exposures"]] == [False]


STRANGE_NAMES = (
    "../../canary", "AT_O_../../canary_000001", "", "_" * 5000, HOSTILE, "AT_O_20250115_000001\n", "*",
    "AT_O_\u0662\u0660\u0662\u0665\u0660\u0661\u0661\u0665_000001", "AT_O_20250115_999999",
    "AT_O_20250115_00001/", "AT_O_20250115_000001.fits",
)  # fmt: skip


@pytest.mark.parametrize("name", STRANGE_NAMES, ids=range(len(STRANGE_NAMES)))
def test_a_strange_name_is_none_of_an_image(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"is not an image name|has no exposure id") as caught:
        exposure_id(name)
    assert len(str(caught.value)) < 500
    with pytest.raises(ValueError, match=r"image name|exposure id"):
        ImageFolder(tmp_path, "AT").header(name)


def test_strange_images_are_none_of_ours(script: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    tell = CameraEvents._publish_end_readout

    async def both(self: Any, image: Any, ended: float) -> None:
        await tell(self, image, ended)
        for name in STRANGE_NAMES:
            await self.evt_endReadout.set_write(imageName=name, force_output=True)
        await tell(self, image, ended)

    monkeypatch.setattr(CameraEvents, "_publish_end_readout", both)
    outcome = script({})
    outcome.is_harmless()
    assert outcome.status == 0
    assert [each["obs_id"] for each in outcome.summary()["exposures"]] == ["AT_O_20250115_000001"]


def test_the_configuration_of_an_ocps_is_told_likewise(script: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Ocps.begin_start

    async def start(self: Any, data: Any) -> None:
        await begin(self, data)
        text = f"_init.yaml,LSSTCam.yaml,../../{HOSTILE}" + "x" * 100_000
        await self.evt_configurationApplied.set_write(configurations=text, force_output=True)

    monkeypatch.setattr(Ocps, "begin_start", start)
    outcome = script({})
    outcome.is_refused_in_preflight("has the configuration of LSSTCam")
    assert len(outcome.screen) < 20_000
