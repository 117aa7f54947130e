"""Observatory scripts for calibrations, and the simulated observatory in which they are tested."""

from .scripts_dir import get_scripts_dir

__all__ = ["get_scripts_dir"]
