"""The command that puts simulated components on the bus."""

import sys

SIMULATOR = (sys.executable, "-m", "lsst.ts.simulated_observatory.cli.run_simulator")
