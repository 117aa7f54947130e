"""The schema registry of the test bus: as much of Confluent's interface as its Python client calls."""

from __future__ import annotations

import threading
from typing import Any

__all__ = ["NotFound", "Registry"]


class NotFound(LookupError):
    """There is no such subject, version or schema."""


class Registry:
    """Schemas by subject, version and number. Its methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._texts: list[str] = []
        self._versions: dict[str, list[int]] = {}

    def register(self, subject: str, text: str) -> dict[str, Any]:
        """Give a schema a number and the subject a version; the same ones as before if it is known."""
        with self._lock:
            if text not in self._texts:
                self._texts.append(text)
            number = self._texts.index(text) + 1
            versions = self._versions.setdefault(subject, [])
            if number not in versions:
                versions.append(number)
            return self._describe(subject, number)

    def look_up(self, subject: str, text: str) -> dict[str, Any]:
        """Find a schema among the versions of a subject."""
        with self._lock:
            for number in self._versions.get(subject, []):
                if self._texts[number - 1] == text:
                    return self._describe(subject, number)
        raise NotFound(subject)

    def schema(self, number: int) -> dict[str, Any]:
        """Find a schema by its number."""
        with self._lock:
            if not 0 < number <= len(self._texts):
                raise NotFound(f"schema {number}")
            return {"schema": self._texts[number - 1]}

    def version(self, subject: str, version: str) -> dict[str, Any]:
        """Find a version of a subject; ``latest`` is the last one."""
        with self._lock:
            versions = self._versions.get(subject, [])
            place = len(versions) if version == "latest" else int(version)
            if not 0 < place <= len(versions):
                raise NotFound(f"{subject} {version}")
            return self._describe(subject, versions[place - 1])

    def _describe(self, subject: str, number: int) -> dict[str, Any]:
        place = self._versions[subject].index(number) + 1
        return {"subject": subject, "version": place, "id": number, "schema": self._texts[number - 1]}
