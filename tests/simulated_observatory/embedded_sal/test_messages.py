"""Samples: zero values, types, arrays, stamps."""

from __future__ import annotations

import copy

import pytest

from lsst.ts.simulated_observatory import clock
from lsst.ts.simulated_observatory import embedded_sal as salobj
from lsst.ts.simulated_observatory.embedded_sal.component_info import component_info
from lsst.ts.simulated_observatory.embedded_sal.enums import ScriptState
from lsst.ts.simulated_observatory.embedded_sal.messages import KafkaException, message_class


def sample(component: str, topic: str, **fields: object) -> salobj.BaseMsgType:
    return message_class(component_info(component).topics[topic])(**fields)


def test_omitted_fields_hold_the_zero_value_of_their_type() -> None:
    data = sample("ATCamera", "cmd_takeImages", expTime=30).sent()
    assert (data.numImages, data.expTime, data.shutter, data.keyValueMap) == (0, 30.0, False, "")
    assert isinstance(data.expTime, float)
    assert sample("ATSpectrograph", "evt_reportedFilterPosition").pointingOffsets == [0.0, 0.0]


def test_an_enumeration_travels_as_its_number() -> None:
    data = sample("Script", "evt_state", state=ScriptState.RUNNING)
    assert type(data.state) is ScriptState
    assert type(data.sent().state) is int
    assert data.sent().state == ScriptState.RUNNING


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"numImages": "1"}, TypeError),
        ({"numImages": 2**63}, OverflowError),
        ({"expTime": "long"}, ValueError),
        ({"keyValueMap": 3}, TypeError),
        ({"keyValueMap": "\ud800"}, UnicodeEncodeError),
        ({"keyValueMap": "x" * 1_000_000}, KafkaException),
        ({"keyValueMap": "\u20ac" * 333_333, "sensors": "x" * 300}, KafkaException),
    ],
)
def test_what_does_not_fit_is_not_sent(fields: dict[str, object], error: type[Exception]) -> None:
    data = sample("ATCamera", "cmd_takeImages", **fields)
    with pytest.raises(error):
        data.sent()


def test_large_texts_and_fractions_are_sent_up_to_their_limit() -> None:
    data = sample("ATCamera", "cmd_takeImages", keyValueMap="x" * 999_500, numImages=1.5).sent()
    assert (len(data.keyValueMap), data.numImages) == (999_500, 1)


def test_no_other_fields_are_taken() -> None:
    with pytest.raises(TypeError, match="nonsense"):
        sample("ATCamera", "cmd_takeImages", nonsense=1)


def test_an_array_has_its_length_or_a_warning_and_is_not_shared_once_it_is_sent() -> None:
    with pytest.warns(UserWarning, match="another length"):
        sample("ATSpectrograph", "evt_reportedFilterPosition", pointingOffsets=[1, 2, 3])
    with pytest.raises(TypeError):
        sample("ATSpectrograph", "evt_reportedFilterPosition", pointingOffsets=1.0)
    data = sample("ATSpectrograph", "evt_reportedFilterPosition", pointingOffsets=[1, 2])
    other = data.sent()
    data.pointingOffsets[0] = 9.0
    assert other.pointingOffsets == [1.0, 2.0]
    assert copy.copy(data).slot == 0


def test_samples_are_equal_by_their_fields() -> None:
    one, other = (sample("ATCamera", "cmd_takeImages", numImages=1) for _ in range(2))
    assert one == other
    assert one != sample("ATCamera", "cmd_takeImages", numImages=2)


def test_a_sample_shows_what_is_set() -> None:
    assert repr(sample("OCPS", "evt_job_result", job_id="7", exit_code=1)) == (
        "evt_job_result(job_id='7', exit_code=1)"
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
