"""Topics: what is sent and received on the bus."""

from .base_topic import BaseTopic
from .controller_topics import ControllerCommand, ControllerEvent
from .read_topic import DEFAULT_QUEUE_LEN, ReadTopic
from .remote_topics import DEFAULT_TIMEOUT, RemoteCommand, RemoteEvent
from .write_topic import SetWriteResult, WriteTopic

__all__ = [
    "DEFAULT_QUEUE_LEN",
    "DEFAULT_TIMEOUT",
    "BaseTopic",
    "ControllerCommand",
    "ControllerEvent",
    "ReadTopic",
    "RemoteCommand",
    "RemoteEvent",
    "SetWriteResult",
    "WriteTopic",
]
