"""What the table of the faults says of their traces; regular expressions, by the name of the fault."""

from __future__ import annotations

from collections.abc import Mapping

from ..faults.kinds import KINDS

__all__ = ["CAUSES", "HARMLESS", "LASTING", "LASTING_AFTER_A_KILL"]

CAUSES: Mapping[str, str] = {name: kind.cause for name, kind in KINDS.items() if kind.cause}
"""Words by which an operator recognises in the reason of a run what went wrong."""

HARMLESS = frozenset(KINDS) - frozenset(CAUSES)
"""Faults that must not make any difference to the outcome."""

LASTING = frozenset(name for name, kind in KINDS.items() if kind.lasting)
"""Faults that leave something in the repository which a run meets again when it is resumed."""

LASTING_AFTER_A_KILL = frozenset(name for name, kind in KINDS.items() if kind.lasting_after_kill)
"""Faults that end when the simulated components do, if nobody kills them."""
