"""For authors of scripts: tests of any script, on the embedded SAL and in simulated time."""

from ..sal_names import use_embedded_sal
from .components import SimulatedComponents
from .script_test_case import BaseScriptTestCase
from .stand_ins import StandIns

__all__ = ["BaseScriptTestCase", "SimulatedComponents", "StandIns", "use_embedded_sal"]
