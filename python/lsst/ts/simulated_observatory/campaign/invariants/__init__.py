"""What holds in every scenario, whatever goes wrong: each module registers its invariants."""

from __future__ import annotations

from . import ends, images, results, summaries
from .registry import INVARIANTS

__all__ = ["INVARIANTS", "ends", "images", "results", "summaries"]
