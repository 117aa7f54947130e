"""The command line of a SAL script: ``script.py INDEX [--schema]``."""

from __future__ import annotations

import argparse

__all__ = ["parse_script_arguments"]


def parse_script_arguments(name: str) -> argparse.Namespace:
    """Parse the arguments that the ScriptQueue gives to a script.

    Parameters
    ----------
    name
        Name of the script, for the help.

    Returns
    -------
    arguments
        With ``index``, and ``schema``: print the configuration schema instead of running?
    """
    parser = argparse.ArgumentParser(description=f"Run {name}")
    parser.add_argument(
        "index", type=int, help="SAL index of the script; not 0, and unique among all scripts"
    )
    parser.add_argument("--schema", action="store_true", help="print the configuration schema and quit")
    return parser.parse_args()
