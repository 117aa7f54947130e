"""What all topics have in common."""

from __future__ import annotations

import logging

from ..messages import BaseMsgType, message_class
from ..sal_info import SalInfo

__all__ = ["BaseTopic"]


class BaseTopic:
    """One topic of a component.

    Parameters
    ----------
    salinfo
        The component.
    attr_name
        Attribute name with its prefix, e.g. ``evt_summaryState``.

    Attributes
    ----------
    DataType
        Class of the topic's samples.
    channel
        Where its samples travel.

    Raises
    ------
    AttributeError
        The component has no such topic.
    """

    def __init__(self, *, salinfo: SalInfo, attr_name: str) -> None:
        try:
            self.topic_info = salinfo.component_info.topics[attr_name]
        except KeyError:
            raise AttributeError(f"{salinfo.name} has no topic {attr_name}") from None
        self.salinfo = salinfo
        self.attr_name = attr_name
        self.name = attr_name.partition("_")[2]
        self.log: logging.Logger = salinfo.log
        self.DataType: type[BaseMsgType] = message_class(self.topic_info)
        self.channel = salinfo.bus.channel(salinfo.name, attr_name, salinfo.index)
        self.isopen = True

    def begin(self) -> None:
        """Do what there is to do when the component starts: nothing, if the topic is not read."""

    def basic_close(self) -> None:
        """Close the topic."""
        self.isopen = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.salinfo.name_index}, {self.name})"
