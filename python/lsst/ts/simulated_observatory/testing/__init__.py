"""For authors of scripts: tests of any script, on the embedded SAL and in simulated time."""

from ..sal_names import use_embedded_sal
from .components import SimulatedComponents, StandIns
from .mocks import MockCamera, MockCsc, MockOcps, MockOods, open_remote, run_in_simulated_time
from .script_test_case import BaseScriptTestCase

__all__ = [
    "BaseScriptTestCase",
    "MockCamera",
    "MockCsc",
    "MockOcps",
    "MockOods",
    "SimulatedComponents",
    "StandIns",
    "open_remote",
    "run_in_simulated_time",
    "use_embedded_sal",
]
