"""Topics that are written."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, NamedTuple

from ...clock import current_tai
from ..messages import BaseMsgType
from ..sal_info import BaseTopic, SalInfo

__all__ = ["SetWriteResult", "WriteTopic"]


class SetWriteResult(NamedTuple):
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
        TypeError, ValueError
            A value does not fit its field. No field is changed then.
        """
        values = vars(self._data)
        unknown = kwargs.keys() - values.keys()
        if unknown:
            raise AttributeError(f"{self.attr_name} has no fields {sorted(unknown)}")
        convert = self._data._convert
        new = {name: convert(name, value) for name, value in kwargs.items() if value is not None}
        changed = not self.has_data or any(_differ(values[name], value) for name, value in new.items())
        values.update(new)
        self.has_data = True
        return changed

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
        """Write the sample as it is, let others run, and return a copy of what was written.

        Raises a RuntimeError if the component is not running.
        """
        sample = self.publish()
        await asyncio.sleep(0)  # as on a real bus, writing is a moment at which others get their turn
        return sample

    def publish(self) -> BaseMsgType:
        """Write the sample as it is at once; like `write`, but lets no others run."""
        self.salinfo.assert_running()
        self._stamp()
        sample = self._data.copy()
        self.channel.publish(sample)
        return sample

    def _stamp(self) -> None:
        data, salinfo = self._data, self.salinfo
        data.private_sndStamp = data.private_rcvStamp = current_tai()
        data.private_identity = salinfo.identity
        data.private_origin = salinfo.domain.origin
        if self._seq_nums is not None:
            data.private_seqNum = next(self._seq_nums)
        if salinfo.index != 0:
            data.salIndex = salinfo.index


def _differ(old: Any, new: Any) -> bool:
    """Are two values of a field different? A number that is not finite is the same as another such."""
    return bool(old != new) and not (old != old and new != new)
