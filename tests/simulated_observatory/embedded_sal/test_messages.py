"""Samples: zero values, types, arrays, stamps."""

from __future__ import annotations

import copy

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.embedded_sal.component_info import component_info
from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState
from lsst.ts.simulated_observatory.embedded_sal.messages import message_class


def sample(component: str, topic: str, **fields: object) -> salobj.BaseMsgType:
    return message_class(component_info(component).topics[topic])(**fields)


def test_omitted_fields_hold_the_zero_value_of_their_type() -> None:
    data = sample("ATCamera", "cmd_takeImages", expTime=30)
    assert (data.numImages, data.expTime, data.shutter, data.keyValueMap) == (0, 30.0, False, "")
    assert isinstance(data.expTime, float)
    assert sample("ATSpectrograph", "evt_reportedFilterPosition").pointingOffsets == [0.0, 0.0]


def test_an_enumeration_travels_as_its_number() -> None:
    data = sample("Script", "evt_state", state=ScriptState.RUNNING)
    assert type(data.state) is int
    assert data.state == ScriptState.RUNNING


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"nonsense": 1}, AttributeError),
        ({"numImages": 1.5}, TypeError),
        ({"numImages": "1"}, TypeError),
        ({"expTime": "long"}, TypeError),
        ({"keyValueMap": 3}, TypeError),
    ],
)
def test_what_does_not_fit_is_refused(fields: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match="takeImages"):
        sample("ATCamera", "cmd_takeImages", **fields)


def test_an_array_has_its_length_and_is_not_shared() -> None:
    with pytest.raises(ValueError, match="3 elements instead of 2"):
        sample("ATSpectrograph", "evt_reportedFilterPosition", pointingOffsets=[1, 2, 3])
    data = sample("ATSpectrograph", "evt_reportedFilterPosition", pointingOffsets=[1, 2])
    other = data.copy()
    other.pointingOffsets[0] = 9.0
    assert data.pointingOffsets == [1.0, 2.0]
    assert copy.copy(data).slot == 0


def test_a_sample_shows_what_is_set() -> None:
    assert repr(sample("OCPS", "evt_job_result", job_id="7", exit_code=1)) == (
        "OCPS_logevent_job_result(job_id='7', exit_code=1)"
    )


def test_a_sample_says_who_sent_it_when() -> None:
    async def check() -> salobj.BaseMsgType | None:
        async with salobj.Controller("OCPS", 2) as ocps, salobj.Remote(ocps.domain, "OCPS", 2) as remote:
            await ocps.evt_job_result.set_write(job_id="7")
            result: salobj.BaseMsgType | None = remote.evt_job_result.get()
            return result

    data = clock.run(check, start_tai=1000.0)
    assert data is not None
    assert (data.private_sndStamp, data.private_rcvStamp) == (1000.0, 1000.0)
    assert (data.private_identity, data.salIndex, data.private_seqNum) == ("OCPS:2", 2, 1)
    assert data.private_origin > 0
