"""The page of a run, ``report.html``, and the tables beside it.

They are made from the run directory and the Butler alone, in a process of their own: `PageProcess` is all
that a run imports.
"""

from .process import PAGE, PageProcess

__all__ = ["PAGE", "PageProcess"]
