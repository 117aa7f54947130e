"""The simulated observatory: clock, bus, components, detector, repository."""
