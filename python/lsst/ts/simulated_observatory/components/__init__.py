"""Simulated components as CSCs: they speak SAL only, so they run on the embedded and on the real bus."""
