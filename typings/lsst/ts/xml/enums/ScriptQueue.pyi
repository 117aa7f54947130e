# Of the observatory alone, for tests/real_salobj.
from enum import IntEnum

class ScriptProcessState(IntEnum):
    UNKNOWN = 0
