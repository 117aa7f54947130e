"""The broker of the test bus: the mock cluster that comes inside librdkafka, the library of confluent-kafka.

It keeps everything in the memory of this process and listens on the loopback interface only.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from pathlib import Path

import confluent_kafka

_PRODUCER = 0
"""Kind of the client that librdkafka wants for a mock cluster to belong to."""

_SIGNATURES = {
    "rd_kafka_conf_new": (ctypes.c_void_p, ()),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t),
    ),
    "rd_kafka_new": (
        ctypes.c_void_p,
        (ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t),
    ),
    "rd_kafka_mock_cluster_new": (ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_int)),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, (ctypes.c_void_p,)),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, (ctypes.c_void_p, ctypes.c_int32)),
    "rd_kafka_mock_topic_create": (
        ctypes.c_int,
        (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int),
    ),
}
"""Result and arguments of the functions of rdkafka.h and rdkafka_mock.h that are called here."""


class Broker:
    """A mock cluster of one broker, for as long as the process lives."""

    def __init__(self) -> None:
        self._library = _load()
        text = ctypes.create_string_buffer(512)
        configuration = self._library.rd_kafka_conf_new()
        self._library.rd_kafka_conf_set(configuration, b"log_level", b"3", text, len(text))
        self._owner = self._library.rd_kafka_new(_PRODUCER, configuration, text, len(text))
        if not self._owner:
            raise RuntimeError(f"librdkafka: {text.value.decode()}")
        self._cluster = self._library.rd_kafka_mock_cluster_new(self._owner, 1)
        # A group has one member here: nobody else is waited for.
        self._library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)

    @property
    def address(self) -> str:
        """Host and port."""
        found: bytes = self._library.rd_kafka_mock_cluster_bootstraps(self._cluster)
        return found.decode()

    def create(self, topics: Iterable[str]) -> None:
        """Create topics of one partition; those that are there stay."""
        for topic in topics:
            self._library.rd_kafka_mock_topic_create(self._cluster, topic.encode(), 1, 1)


def _load() -> ctypes.CDLL:
    """Load the library that the wheel of confluent-kafka brings along."""
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    try:
        path = next(folder.glob("librdkafka*.so*"))
    except StopIteration:
        raise RuntimeError(f"no librdkafka in {folder}: install confluent-kafka from its wheel") from None
    library = ctypes.CDLL(str(path))
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, list(arguments)
    return library
