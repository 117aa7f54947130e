"""Sessions: a script and the simulated observatory in which it runs."""
