"""The command that puts simulated components on the bus."""

import sys

SIMULATOR = (sys.executable, "-m", "lsst.ts.calibrations.cli.run_simulator")
