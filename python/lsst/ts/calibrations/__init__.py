"""Observatory scripts that take, process, verify and certify calibrations."""

from pathlib import Path

__all__ = ["get_scripts_dir"]


def get_scripts_dir() -> Path:
    """Return the absolute path of the folder with ``auxtel`` and ``maintel``; a queue's ``--external``."""
    return Path(__file__).resolve().parent / "data" / "scripts"
