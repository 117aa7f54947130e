"""Topics: what is sent and received on the bus."""

from ..sal_info import BaseTopic
from .commands_and_events import ControllerCommand, ControllerEvent, RemoteCommand, RemoteEvent
from .read_topic import ReadTopic
from .write_topic import SetWriteResult, WriteTopic

__all__ = [
    "BaseTopic",
    "ControllerCommand",
    "ControllerEvent",
    "ReadTopic",
    "RemoteCommand",
    "RemoteEvent",
    "SetWriteResult",
    "WriteTopic",
]
