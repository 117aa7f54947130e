"""A simulated observatory for scripts: SAL, components, detectors, pipelines, Butler repositories."""
