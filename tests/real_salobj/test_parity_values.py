"""What becomes of any value in a field of any type: the same on either SAL, as recorded on the real one."""

from __future__ import annotations

import math
import warnings
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from lsst.ts.xml.enums.Script import ScriptState
from parity import LIMIT, Play
from recorded import as_recorded

from lsst.ts import salobj

pytestmark = pytest.mark.timeout(300)

FIELDS = {
    "boolean": ("heartbeat", "heartbeat", True),
    "byte": ("state", "state", 1),
    "short": ("metadata", "dome", 1),
    "int": ("metadata", "nimages", 1),
    "long": ("largeFileObjectAvailable", "byteSize", 1),
    "float": ("largeFileObjectAvailable", "version", 1.5),
    "double": ("metadata", "duration", 1.5),
    "double[2]": ("metadata", "position", [1.5, 2.5]),
    "string": ("metadata", "survey", "a"),
}
"""For each type of field: an event and a field of a script, and a value of that type."""


class Odd:
    """Not a value of any field."""

    def __repr__(self) -> str:
        return "Odd()"


VALUES: dict[str, Any] = {
    "none": None,
    "true": True,
    "zero": 0,
    "seven": 7,
    "minus one": -1,
    "2**15": 2**15,
    "2**31": 2**31,
    "2**63": 2**63,
    "2**70": 2**70,
    "1.5": 1.5,
    "0.1": 0.1,
    "1e300": 1e300,
    "nan": math.nan,
    "inf": math.inf,
    "state": ScriptState.RUNNING,
    "digits": "12",
    "text": "abc",
    "empty text": "",
    "umlaut": "Grüße 漢字 \U0001f52d",
    "zero byte": "a\0b",
    "surrogate": "a\ud800b",
    "bytes": b"abc",
    "bytearray": bytearray(b"abc"),
    "decimal": Decimal("2.5"),
    "fraction": Fraction(5, 2),
    "complex": 1j,
    "numpy int": np.int64(7),
    "numpy float": np.float64(1.5),
    "numpy float32": np.float32(0.1),
    "numpy bool": np.bool_(True),
    "numpy text": np.str_("abc"),
    "numpy pair": np.array([1.0, 2.0]),
    "empty list": [],
    "list of one": [1.0],
    "pair": [1.0, 2.0],
    "pair of ints": [1, 2],
    "tuple": (1.0, 2.0),
    "pair of texts": ["a", "b"],
    "three": [1.0, 2.0, 3.0],
    "dict": {"a": 1},
    "set": {1.0, 2.0},
    "odd": Odd(),
    "class": int,
}


async def outcome(topic: Any, remote_topic: Any, field: str, value: Any) -> str:
    """What becomes of a value: an error when it is set, or written, or what the client gets."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            changed = topic.set(**{field: value})
        except Exception as error:
            return f"set: {type(error).__name__}"
    note = "warned; " if any("Array fields" in str(each.message) for each in caught) else ""
    note += "" if changed else "no change; "
    remote_topic.flush()
    try:
        await topic.write()
    except Exception as error:
        return f"{note}write: {type(error).__name__}"
    data = await remote_topic.next(flush=False, timeout=LIMIT)
    got = getattr(data, field)
    kept = "as given" if getattr(topic.data, field) is value else type(getattr(topic.data, field)).__name__
    return f"{note}{type(got).__name__} {got!a}; kept {kept}"


@pytest.mark.parametrize("kind", FIELDS)
def test_a_value_of_any_type_comes_to_the_same(play: Play, kind: str) -> None:
    async def story() -> dict[str, str]:
        seen = {}
        event, field, proper = FIELDS[kind]
        async with (
            salobj.Domain() as domain,
            salobj.Remote(domain, "Script", 5, include=[event]) as remote,
            salobj.Controller("Script", 5) as script,
        ):
            topic, reader = getattr(script, f"evt_{event}"), getattr(remote, f"evt_{event}")
            for name, value in VALUES.items():
                topic.data = topic.DataType(**{field: proper})
                seen[name] = await outcome(topic, reader, field, value)
        return seen

    assert as_recorded("values", kind, play(story))
