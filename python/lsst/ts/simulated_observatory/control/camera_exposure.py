"""What ``takeImages`` is to take."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CameraExposure"]


@dataclass
class CameraExposure:
    """Images of one kind."""

    exp_time: float
    """Exposure time (s)."""
    shutter: bool
    """Open the shutter?"""
    image_type: str
    """BIAS, DARK or FLAT."""
    group_id: str
    """Group to which the images belong."""
    n: int
    """Number of images, each taken with a command of its own."""
    n_snaps: int = 1
    """Images of each command."""
    test_type: str | None = None
    """By default the image type."""
    reason: str | None = None
    """Why the images are taken."""
    program: str | None = None
    """Programme for which they are taken."""
    sensors: str | None = None
    """Sensors to read, as names separated by colons."""
    note: str | None = None
    """Note of the observer."""

    def get_key_value_map(self) -> str:
        """Return the keys and values for the image header, as ``takeImages`` takes them.

        Nothing is quoted, so that a comma or colon in a reason or programme breaks the map. The stutter keys
        are there for every image; they are 0 for images that are not stuttered, as all are here.
        """
        values = {
            "imageType": self.image_type,
            "groupId": self.group_id,
            "testType": self.image_type if self.test_type is None else self.test_type,
            "stutterRows": 0,
            "stutterNShifts": 0,
            "stutterDelay": 0.0,
            "reason": self.reason,
            "program": self.program,
        }
        return ", ".join(f"{key}: {value}" for key, value in values.items() if value is not None)
