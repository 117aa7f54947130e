"""Faults of the simulated observatory."""
