"""What salobj asks of a broker's administration and the mock cluster of librdkafka cannot answer."""

from __future__ import annotations

import json
import os
import urllib.request
from collections.abc import Iterable
from concurrent.futures import Future
from types import ModuleType
from typing import Any


def adapt(module: ModuleType) -> None:
    """Let the AdminClient of confluent_kafka.admin create topics by way of the server of the bus."""

    def create_topics(client: Any, new_topics: Iterable[Any], **_: Any) -> dict[str, Future[None]]:
        there = client.list_topics(timeout=30).topics
        names = [each.topic for each in new_topics]
        if missing := [name for name in names if name not in there]:
            _post("/topics", missing)
        return {name: _done() for name in names}

    def delete_consumer_groups(_client: Any, groups: Iterable[str], **_: Any) -> dict[str, Future[None]]:
        return {group: _done() for group in groups}  # they go with the cluster

    module.AdminClient.create_topics = create_topics
    module.AdminClient.delete_consumer_groups = delete_consumer_groups


def _post(path: str, content: Any) -> None:
    request = urllib.request.Request(  # noqa: S310, the address is that of the tests' own server
        os.environ["LSST_SCHEMA_REGISTRY_URL"] + path, json.dumps(content).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=30):  # noqa: S310
        pass


def _done() -> Future[None]:
    future: Future[None] = Future()
    future.set_result(None)
    return future
