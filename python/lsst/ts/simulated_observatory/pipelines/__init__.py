"""The pipelines that the OCPS runs: tasks, their datasets and their storage."""
