"""Observatory scripts that take, process, verify and certify calibrations."""

from .scripts_dir import get_scripts_dir

__all__ = ["get_scripts_dir"]
