"""Observatory scripts for calibrations, and the simulated observatory in which they are tested."""
