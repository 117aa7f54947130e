"""The pipelines that the OCPS runs: tasks, their datasets and their storage."""

from __future__ import annotations

__all__ = ["PIPELINES"]

PIPELINES = "resource://lsst.ts.simulated_observatory.pipelines"
"""Address of the folder with the YAML files of the pipelines, as lsst.resources has it."""
