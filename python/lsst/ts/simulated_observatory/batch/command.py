"""Runs ``pipetask`` or ``butler`` for a job of the batch system, as their own programs do."""

from __future__ import annotations

import sys

from ..former_names import understand_former_names

if __name__ == "__main__":
    understand_former_names()  # of a repository that an earlier version has made
    sys.argv = sys.argv[1:]
    if sys.argv[0] == "pipetask":
        from lsst.ctrl.mpexec.cli.pipetask import main as pipetask

        pipetask()
    else:
        from lsst.daf.butler.cli.butler import main as butler

        butler()
