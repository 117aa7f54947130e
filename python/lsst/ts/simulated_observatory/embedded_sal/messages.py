"""Messages: light objects with one attribute for each field of a topic."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from .component_info import ACKCMD, FieldInfo, TopicInfo

__all__ = ["AckCmdDataType", "BaseMsgType", "message_class"]

_PRIVATE: dict[str, Any] = {
    "private_sndStamp": 0.0,
    "private_rcvStamp": 0.0,
    "private_seqNum": 0,
    "private_identity": "",
    "private_origin": 0,
}


class BaseMsgType:
    """A sample of a topic; fields that are not given hold the zero value of their type.

    Parameters
    ----------
    fields
        Values of fields, converted to the fields' types.

    Attributes
    ----------
    private_sndStamp, private_rcvStamp
        TAI at which the sample was sent and received (s).
    private_seqNum
        Sequence number; it ties acknowledgements to their command.
    private_identity, private_origin
        Who sent the sample: a component, or user@host; and the process.
    salIndex
        Index of the component, if it is indexed.

    Raises
    ------
    AttributeError, TypeError, ValueError
        The topic has no such field, or the value does not fit it.
    """

    private_sndStamp: float  # noqa: N815  # names of SAL
    private_rcvStamp: float  # noqa: N815
    private_seqNum: int  # noqa: N815
    private_identity: str
    private_origin: int
    salIndex: int  # noqa: N815

    _topic: ClassVar[str] = ""
    _zeros: ClassVar[dict[str, Any]] = _PRIVATE
    _arrays: ClassVar[frozenset[str]] = frozenset()
    _converters: ClassVar[dict[str, Callable[[Any], Any]]] = {}

    def __init__(self, **fields: Any) -> None:
        values = self.__dict__
        values.update(self._zeros)
        for name in self._arrays:
            values[name] = list(values[name])
        for name, value in fields.items():
            values[name] = self._convert(name, value)

    def _convert(self, name: str, value: Any) -> Any:
        """Convert a value to the type of a field."""
        try:
            converter = self._converters[name]
        except KeyError:
            raise AttributeError(f"{self._topic} has no field {name!r}") from None
        try:
            return converter(value)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self._topic}.{name} cannot be {value!r}: {error}") from error

    def copy(self) -> BaseMsgType:
        """Return an independent copy."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        for name in self._arrays:
            other.__dict__[name] = list(other.__dict__[name])
        return other

    def __repr__(self) -> str:
        given = (f"{name}={value!r}" for name, value in vars(self).items() if value != self._zeros[name])
        return f"{self._topic}({', '.join(given)})"

    if TYPE_CHECKING:  # the fields of a topic are known at run time only

        def __getattr__(self, name: str) -> Any: ...

        def __setattr__(self, name: str, value: Any) -> None: ...


class AckCmdDataType(BaseMsgType):
    """Acknowledgement of a command.

    Attributes
    ----------
    ack, error, result
        Acknowledgement code, see `~.enums.SalRetCode`; error number, 0 for none; explanation.
    timeout
        With CMD_INPROGRESS: how much longer the command may take (s).
    identity, origin
        Who sent the command.
    """

    ack: int
    error: int
    result: str
    timeout: float
    identity: str
    origin: int


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a string")
    return str(value)


def _number(value: Any) -> float:
    if isinstance(value, str):
        raise TypeError("not a number")
    return float(value)


_CONVERTERS: dict[str, tuple[Callable[[Any], Any], Any]] = {
    "boolean": (bool, False),
    "string": (_string, ""),
    "float": (_number, 0.0),
    "double": (_number, 0.0),
    **dict.fromkeys(("byte", "short", "int", "long"), (operator.index, 0)),
}


def _array(convert: Callable[[Any], Any], count: int) -> Callable[[Any], list[Any]]:
    def convert_all(values: Iterable[Any]) -> list[Any]:
        converted = [convert(value) for value in values]
        if len(converted) != count:
            raise ValueError(f"{len(converted)} elements instead of {count}")
        return converted

    return convert_all


@cache
def message_class(topic: TopicInfo) -> type[Any]:
    """Return the class of a topic's samples.

    Parameters
    ----------
    topic : TopicInfo

    Returns
    -------
    made : type of BaseMsgType
        Always the same class for the same topic; of AckCmdDataType for the acknowledgements.
    """
    fields = [*topic.fields.values(), *([FieldInfo("salIndex", "long")] if topic.indexed else [])]
    name = f"{topic.component}_{topic.sal_name}"
    zeros = dict(_PRIVATE)
    converters: dict[str, Callable[[Any], Any]] = {name: type(value) for name, value in _PRIVATE.items()}
    for field in fields:
        convert, zero = _CONVERTERS[field.sal_type]
        zeros[field.name] = zero if field.count == 1 else [zero] * field.count
        converters[field.name] = convert if field.count == 1 else _array(convert, field.count)
    namespace = {
        "_topic": name,
        "_zeros": zeros,
        "_arrays": frozenset(field.name for field in fields if field.count > 1),
        "_converters": converters,
        "__doc__": f"A sample of {name}.",
    }
    return type(name, (AckCmdDataType if topic.sal_name == ACKCMD else BaseMsgType,), namespace)
