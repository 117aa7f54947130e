"""Butler repositories of the simulated observatory, and their reference calibrations."""
