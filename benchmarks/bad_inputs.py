"""Bad inputs for the functions and tasks of the pipelines, and what comes out.

usage: python benchmarks/bad_inputs.py [--only WORD]

Each case makes an input of known truth with a fault, gives it to the function or task that a job runs, and
compares the outcome with the right one. Prints one JSON object: for each case the group of
``doc/explanation/bad_inputs.rst``, the input, the right outcome, what came out, and whether this is right.
"""

from __future__ import annotations

import argparse
import json

import numpy as np
from cases import (
    bad_curves,
    bad_defects,
    bad_members,
    bad_pairs,
    bad_sets,
    bad_signals,
    bad_structure,
    reviewed,
)
from made_inputs import CASES

KINDS = reviewed, bad_signals, bad_members, bad_sets, bad_structure, bad_pairs, bad_curves, bad_defects
"""Modules that declare the cases, in the order in which they are printed."""


def main() -> None:
    """Run all cases, and print their outcomes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="cases whose group or input has this word")
    only = parser.parse_args().only
    rows = []
    for group, what, right, function in CASES:
        if only in f"{group} {what}":
            came, good = function(np.random.default_rng(20250115))
            rows.append(
                {"group": group, "input": what, "right": right, "came_out": came, "is_right": bool(good)}
            )
    wrong = [row["input"] for row in rows if not row["is_right"]]
    print(json.dumps({"cases": rows, "number": len(rows), "wrong": wrong}, indent=1))


if __name__ == "__main__":
    main()
