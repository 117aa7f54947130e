# Of the observatory alone, for tests/real_salobj.
from typing import Any

def __getattr__(name: str) -> Any: ...
