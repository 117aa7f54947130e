"""All kinds of faults of the simulated components; a new one is an entry here and a look at it there."""

from __future__ import annotations

from collections.abc import Mapping

from .of_images import FAULTS_OF_IMAGES
from .of_jobs import FAULTS_OF_JOBS
from .options import FaultKind, Option

__all__ = ["KINDS", "FaultKind", "Option"]

KINDS: Mapping[str, FaultKind] = {kind.name: kind for kind in (*FAULTS_OF_IMAGES, *FAULTS_OF_JOBS)}
"""Kinds of faults by name."""
