"""Seals: what bears one was made by this package in this process, and nobody has changed it since."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

__all__ = ["Sealed", "is_intact", "sealed"]

_KEY = secrets.token_bytes(32)
"""Of this process: what another process has sealed (and pickled) is as good as not sealed."""


@dataclass(frozen=True, kw_only=True)
class Sealed:
    """Something that cannot be made up elsewhere.

    The seal is a digest of all fields. Therefore `dataclasses.replace` is refused; and where ``__init__`` has
    been passed by (a pickle, ``object.__setattr__``) `is_intact` tells it, which whoever relies on the
    contents asks. It guards against mistakes and short cuts; who wants to deceive in the same process can
    call `sealed`, which an import contract leaves to this package.
    """

    seal: bytes = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse what was made by hand.

        Raises
        ------
        TypeError
            The seal is not one of this contents.
        """
        if not is_intact(self):
            raise TypeError(f"{type(self).__name__} is made by verification alone")


_S = TypeVar("_S", bound=Sealed)


def sealed(kind: type[_S], **values: Any) -> _S:
    """Make something sealed; values of all fields must be given."""
    return kind(**values, seal=_digest(kind, values))


def is_intact(value: Sealed) -> bool:
    """Whether something is what was sealed in this process."""
    contents = {each.name: getattr(value, each.name, None) for each in fields(value) if each.name != "seal"}
    seal = getattr(value, "seal", None)
    return isinstance(seal, bytes) and hmac.compare_digest(seal, _digest(type(value), contents))


def _digest(kind: type, contents: dict[str, Any]) -> bytes:
    return hmac.digest(_KEY, repr((kind.__qualname__, sorted(contents.items()))).encode(), "sha256")
