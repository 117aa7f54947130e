"""The embedded SAL: the part of the API of ``lsst.ts.salobj`` that this project uses, in memory.

All components of an event loop share one bus. Names, signatures and behaviour are those of salobj, so
that scripts and simulated components run on either; the topics are those in ``interfaces/*.yaml``.
"""

from . import topics
from .base_csc import BaseCsc
from .base_script import BaseScript
from .controller import Controller
from .enums import SalRetCode, State
from .errors import AckError, AckTimeoutError, ExpectedError
from .messages import AckCmdDataType, BaseMsgType
from .remote import Remote, set_summary_state
from .sal_info import Domain, SalInfo
from .validator import DefaultingValidator

__all__ = [
    "AckCmdDataType",
    "AckError",
    "AckTimeoutError",
    "BaseCsc",
    "BaseMsgType",
    "BaseScript",
    "Controller",
    "DefaultingValidator",
    "Domain",
    "ExpectedError",
    "Remote",
    "SalInfo",
    "SalRetCode",
    "State",
    "set_summary_state",
    "topics",
]
