"""Messages: light objects with one attribute for each field of a topic."""

from __future__ import annotations

import ctypes
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from .component_info import ACKCMD, FieldInfo, TopicInfo

__all__ = ["AckCmdDataType", "BaseMsgType", "KafkaException", "message_class"]

_PRIVATE: dict[str, Any] = {
    "private_sndStamp": 0.0,
    "private_rcvStamp": 0.0,
    "private_seqNum": 0,
    "private_identity": "",
    "private_origin": 0,
}


class KafkaException(Exception):
    """What Kafka's client raises."""


class BaseMsgType:
    """A sample of a topic; fields that are not given hold the zero value of their type.

    A field keeps any value that it is given. What does not fit its type is found when the sample is sent.

    Parameters
    ----------
    fields
        Values of fields.

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
    TypeError
        The topic has no such field, or the value of an array has no length.
    """

    private_sndStamp: float  # noqa: N815  # names of SAL
    private_rcvStamp: float  # noqa: N815
    private_seqNum: int  # noqa: N815
    private_identity: str
    private_origin: int
    salIndex: int  # noqa: N815

    _topic: ClassVar[str] = ""
    _zeros: ClassVar[dict[str, Any]] = _PRIVATE
    _arrays: ClassVar[dict[str, int]] = {}
    _floats: ClassVar[frozenset[str]] = frozenset()
    _texts: ClassVar[tuple[str, ...]] = ()
    _converted: ClassVar[tuple[tuple[str, type, Callable[[Any], Any]], ...]] = ()

    def __init__(self, **fields: Any) -> None:
        values = self.__dict__
        values.update(self._zeros)
        for name in self._arrays:
            values[name] = list(values[name])
        values.update(fields)
        self._check()

    def _check(self) -> None:
        """Find what salobj finds before a sample is sent: names of no field, and arrays without a length."""
        values = self.__dict__
        if len(values) != len(self._zeros):
            raise TypeError(f"{self._topic} has no fields {sorted(values.keys() - self._zeros.keys())}")
        wrong = [name for name, count in self._arrays.items() if len(values[name]) != count]
        if wrong:
            warnings.warn(f"Array fields of another length: {wrong} of {self._topic}", stacklevel=3)

    def copy(self) -> BaseMsgType:
        """Return a copy; arrays are shared."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        return other

    def sent(self) -> BaseMsgType:
        """Return the sample as its readers get it, with values of the fields' types.

        Raises
        ------
        TypeError, ValueError, OverflowError
            A value does not fit its field; a UnicodeEncodeError if it is a text with half a character.
        KafkaException
            The sample is too large.
        """
        other = self.copy()
        values = other.__dict__
        for name, exact, convert in self._converted:
            value = values[name]
            if type(value) is not exact or (isinstance(value, int) and value.bit_length() >= 64):
                try:
                    values[name] = convert(value)
                except TypeError as error:
                    raise TypeError(f"{error} on field {name}") from error
        for name in () if len(values) == len(self._zeros) else values.keys() - self._zeros.keys():
            del values[name]
        text = "".join([values[name] for name in self._texts])
        if len(text) > _SHORT or not text.isascii():
            _check_size(sum(len(values[name].encode()) for name in self._texts) + _SIZE_OF_THE_REST)
        return other

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(other) is type(self) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as a dataclass, which a sample of salobj is

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


_MAX_SIZE = 1_000_000
"""Bytes of the largest message that Kafka's client sends, unless it is configured otherwise."""

_SIZE_OF_THE_REST = 150
"""Bytes of a message beside its texts, within some ten of them."""

_SHORT = 200_000
"""Characters of a text that is never too large, as each has four bytes at most."""


def _check_size(size: int) -> None:
    if size > _MAX_SIZE:
        raise KafkaException(
            'KafkaError{code=MSG_SIZE_TOO_LARGE,val=10,str="Unable to produce message: '
            'Broker: Message size too large"}'
        )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("must be string")
    return str(value)


def _integer(value: Any) -> int:
    """Cut off what follows the decimal point, as salobj's serializer does."""
    if isinstance(value, str | bytes | bytearray):
        raise TypeError(f"must be an integer, not {type(value).__name__}")
    whole = int(value)
    if not -(2**63) <= whole < 2**63:
        raise OverflowError("Python int too large to convert to C long")
    return whole


def _float(value: Any) -> float:
    return ctypes.c_float(float(value)).value


class _Other:
    """The type of no value: what is to be converted in any case."""


_CONVERTERS: dict[str, tuple[type, Callable[[Any], Any], Any]] = {
    "boolean": (bool, bool, False),
    "string": (str, _text, ""),
    "float": (_Other, _float, 0.0),
    "double": (float, float, 0.0),
    **dict.fromkeys(("byte", "short", "int", "long"), (int, _integer, 0)),
}
"""For each type of field: the type of values that need no conversion, the conversion, and the zero value."""


def _array(convert: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    def convert_all(values: Iterable[Any]) -> list[Any]:
        converted = []
        for value in values:
            if isinstance(value, str):
                raise TypeError("must be real number, not str")
            converted.append(convert(value))
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
    name = topic.attr_name
    zeros = dict(_PRIVATE)
    converted: list[tuple[str, type, Callable[[Any], Any]]] = []
    for field in fields:
        exact, convert, zero = _CONVERTERS[field.sal_type]
        is_array = field.count > 1
        zeros[field.name] = [zero] * field.count if is_array else zero
        converted.append((field.name, _Other, _array(convert)) if is_array else (field.name, exact, convert))
    namespace = {
        "_topic": name,
        "_zeros": zeros,
        "_arrays": {field.name: field.count for field in fields if field.count > 1},
        "_floats": frozenset(field.name for field in fields if field.sal_type in ("float", "double")),
        "_texts": tuple(field.name for field in fields if field.sal_type == "string"),
        "_converted": tuple(converted),
        "__doc__": f"A sample of {name}.",
    }
    return type(name, (AckCmdDataType if topic.sal_name == ACKCMD else BaseMsgType,), namespace)
