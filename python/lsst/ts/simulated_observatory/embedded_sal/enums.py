"""States and return codes of SAL components and scripts, with the numbers that travel in messages."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["MetadataCoordSys", "MetadataDome", "MetadataRotSys", "SalRetCode", "ScriptState", "State"]


class State(IntEnum):
    """Summary state of a commandable SAL component."""

    DISABLED = 1
    ENABLED = 2
    FAULT = 3
    OFFLINE = 4
    STANDBY = 5


class SalRetCode(IntEnum):
    """Acknowledgement codes of commands."""

    CMD_ACK = 300
    CMD_INPROGRESS = 301
    CMD_STALLED = 302
    CMD_COMPLETE = 303
    CMD_NOPERM = -300
    CMD_NOACK = -301
    CMD_FAILED = -302
    CMD_ABORTED = -303
    CMD_TIMEOUT = -304


class ScriptState(IntEnum):
    """State of a SAL script."""

    UNKNOWN = 0
    UNCONFIGURED = 1
    CONFIGURED = 2
    RUNNING = 3
    PAUSED = 4
    ENDING = 5
    STOPPING = 6
    FAILING = 7
    DONE = 8
    STOPPED = 9
    FAILED = 10
    CONFIGURE_FAILED = 11


class MetadataCoordSys(IntEnum):
    """Coordinate system of the position in a script's metadata."""

    NONE = 1
    ICRS = 2
    OBSERVED = 3
    MOUNT = 4


class MetadataRotSys(IntEnum):
    """Rotation system of the camera angle in a script's metadata."""

    NONE = 1
    SKY = 2
    HORIZON = 3
    MOUNT = 4


class MetadataDome(IntEnum):
    """State of the dome that a script needs."""

    CLOSED = 1
    OPEN = 2
    EITHER = 3
