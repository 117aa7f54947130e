"""The page of a run, ``report.html``, and the tables beside it, made of the run directory and the Butler.

A run has it drawn in a process of its own: ``python -m lsst.ts.calibrations_page RUN_DIRECTORY``.
"""
