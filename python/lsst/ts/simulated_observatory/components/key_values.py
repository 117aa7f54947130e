"""Keys and values of an image as its events carry them: joined by colons, colons inside escaped."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["join_escaped", "split_escaped"]

_SEPARATOR_OR_PART = re.compile(r"(:)|((?:\\.|[^\\:])+)", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def join_escaped(texts: Iterable[str]) -> str:
    """Join texts with colons; a colon or backslash inside a text gets a backslash before it."""
    return ":".join(text.replace("\\", "\\\\").replace(":", "\\:") for text in texts)


def split_escaped(text: str) -> list[str]:
    """Undo `join_escaped`; an empty text is one empty part."""
    parts = [""]
    for separator, part in _SEPARATOR_OR_PART.findall(text):
        if separator:
            parts.append("")
        else:
            parts[-1] = _ESCAPED.sub(r"\1", part)
    return parts
