"""Topics that are written."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from typing import Any

from ...clock import current_tai
from ..messages import BaseMsgType
from ..sal_info import BaseTopic, SalInfo

__all__ = ["SetWriteResult", "WriteTopic"]

_PLAIN = (str, int, float, bool)


@dataclass
class SetWriteResult:
    """What `WriteTopic.set_write` did."""

    did_change: bool
    """Did a field change, or was this the first time that one was set?"""
    was_written: bool
    """Was the sample written?"""
    data: BaseMsgType
    """The sample."""


class WriteTopic(BaseTopic):
    """A topic that is written.

    Parameters
    ----------
    salinfo, attr_name
        As `BaseTopic`.
    min_seq_num
        First of the sequence numbers; None to set none.

    Attributes
    ----------
    default_force_output
        Does `set_write` write a sample in which nothing changed? Not for events.
    has_data
        Whether a field has ever been set.
    """

    def __init__(self, *, salinfo: SalInfo, attr_name: str, min_seq_num: int | None = 1) -> None:
        super().__init__(salinfo=salinfo, attr_name=attr_name)
        self.default_force_output = not attr_name.startswith("evt_")
        self._seq_nums = None if min_seq_num is None else itertools.count(min_seq_num)
        self._data = self.DataType()
        self.has_data = False

    @property
    def data(self) -> BaseMsgType:
        """The sample as set so far; a TypeError if it is set to anything but a sample of this topic."""
        return self._data

    @data.setter
    def data(self, data: BaseMsgType) -> None:
        if not isinstance(data, self.DataType):
            raise TypeError(f"{data!r} must be an instance of {self.DataType}")
        self._data = data
        self.has_data = True

    def set(self, **kwargs: Any) -> bool:
        """Set fields.

        Parameters
        ----------
        kwargs
            Values by field name; None leaves a field as it is.

        Returns
        -------
        did_change
            Did a value change, or was this the first call?

        Raises
        ------
        AttributeError
            The topic has no such field.
        TypeError
            The value of an array has no length, or a number cannot be compared with what is there; the field
            holds the value all the same, except in the last case. Other values that do not fit are found
            when the sample is written.
        """
        values = vars(self._data)
        unknown = kwargs.keys() - values.keys()
        if unknown:
            raise AttributeError(f"{self.attr_name} has no fields {sorted(unknown)}")
        changed = not self.has_data
        for name, value in kwargs.items():
            if value is not None:
                changed = changed or self._differs(name, values[name], value)
                values[name] = value
        self._data = self._data.copy()  # who holds the one before sees nothing of what is set from now on
        self._data._check()
        self.has_data = True
        return changed

    def _differs(self, name: str, old: Any, new: Any) -> bool:
        is_float = name in self._data._floats
        if type(old) in _PLAIN and isinstance(new, type(old) if is_float else _PLAIN):
            return bool(old != new) and not (is_float and old != old and new != new)
        from numpy import array_equal

        try:
            return not array_equal(old, new, equal_nan=is_float)
        except Exception as error:
            raise TypeError(f"{self.attr_name}.{name} cannot be {new!r}: wrong type") from error

    async def set_write(self, *, force_output: bool | None = None, **kwargs: Any) -> SetWriteResult:
        """Set fields, then write the sample if something changed.

        Parameters
        ----------
        force_output
            Write it in any case? By default ``default_force_output``.
        kwargs
            As `set`.

        Returns
        -------
        result : SetWriteResult
            Raises as `set` and `write`.
        """
        did_change = self.set(**kwargs)
        force = self.default_force_output if force_output is None else force_output
        if did_change or force:
            return SetWriteResult(did_change, True, await self.write())
        return SetWriteResult(did_change, False, self._data)

    async def write(self) -> BaseMsgType:
        """Write the sample as it is, let others run, and return a copy of the sample.

        Raises as `publish`.
        """
        self.publish()
        sample = self._data.copy()
        await asyncio.sleep(0)  # as on a real bus, writing is a moment at which others get their turn
        return sample

    def publish(self) -> None:
        """Write the sample as it is at once; like `write`, but lets no others run.

        Raises
        ------
        RuntimeError
            The component is not running.
        Exception
            The sample cannot be sent, see `BaseMsgType.sent`; this is logged, too.
        """
        self.salinfo.assert_running()
        self._stamp()
        sample, channel = self._sent(self._data), self.channel
        if self.salinfo.indexed and self.salinfo.index == 0:  # it goes to the index that was set in it
            channel = self.salinfo.bus.channel(self.salinfo.name, self.attr_name, sample.salIndex)
        channel.publish(sample)

    def _stamp(self) -> None:
        data, salinfo = self._data, self.salinfo
        data.private_sndStamp = data.private_rcvStamp = current_tai()
        data.private_identity = salinfo.identity
        data.private_origin = salinfo.domain.origin
        if self._seq_nums is not None:
            data.private_seqNum = next(self._seq_nums)
        if salinfo.index != 0:
            data.salIndex = salinfo.index
