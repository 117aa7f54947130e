"""Consumers of confluent_kafka in the process of the tests, with errors that are exceptions."""

from __future__ import annotations

import sys
from typing import Any

__all__ = ["with_exceptions"]


def with_exceptions(consumer: Any) -> Any:
    """Make a class of consumers whose ``close`` raises exceptions alone.

    The callback ``on_assign`` of salobj may come while a consumer is closed soon after its start. What it
    raises then confluent_kafka raises again as a ``KafkaError``, which is no exception: no ``except`` but a
    bare one takes it, so that neither salobj nor pytest does, and all tests end with it.

    Parameters
    ----------
    consumer
        ``Consumer`` of confluent_kafka, or a subclass.

    Returns
    -------
    consumer
        A subclass.
    """
    from confluent_kafka import KafkaException

    class Consumer(consumer):  # type: ignore[misc]  # a class that is known at run time alone
        def close(self) -> None:
            try:
                super().close()
            except BaseException:
                raise
            except:  # noqa: E722
                raise KafkaException(sys.exc_info()[1]) from None

    return Consumer
