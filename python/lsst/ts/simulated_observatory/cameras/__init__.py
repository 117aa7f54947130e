"""The cameras: geometry and nominal properties of their detectors."""
