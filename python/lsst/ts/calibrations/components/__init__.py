"""Clients of the SAL components that a run works with."""
