"""Substates that a camera publishes, numbered as its SAL interface numbers them."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["CommandState", "RaftsState", "ReadinessState", "ShutterState"]


class CommandState(IntEnum):
    """Substates of ccsCommandState."""

    IDLE = 1
    BUSY = 2


class RaftsState(IntEnum):
    """Substates of raftsDetailedState."""

    NEEDS_CLEAR = 1
    CLEARING = 2
    INTEGRATING = 3
    READING_OUT = 4
    QUIESCENT = 5


class ReadinessState(IntEnum):
    """Substates of imageReadinessDetailedState."""

    READY = 1
    NOT_READY = 2
    GETTING_READY = 3


class ShutterState(IntEnum):
    """Substates of shutterDetailedState."""

    CLOSED = 1
    OPEN = 2
    CLOSING = 3
    OPENING = 4
