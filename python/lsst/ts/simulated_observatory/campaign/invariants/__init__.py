"""What holds in every scenario, whatever goes wrong: each module registers its invariants."""

from __future__ import annotations

from . import ends, images, results, summaries
from .registry import INVARIANTS, find_violations

__all__ = ["INVARIANTS", "ends", "find_violations", "images", "results", "summaries"]
