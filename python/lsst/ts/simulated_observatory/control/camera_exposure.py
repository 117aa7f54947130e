"""What is to be exposed, and how that is written into the command of the camera."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CameraExposure"]


@dataclass
class CameraExposure:
    """Images of one kind.

    Parameters
    ----------
    exp_time
        Exposure time (s).
    shutter
        Open the shutter?
    image_type
        BIAS, DARK or FLAT.
    group_id
        Group to which the images belong.
    n
        Number of images, each taken with a command of its own.
    n_snaps
        Images of each command.
    test_type
        By default the image type.
    reason, program
        Why the images are taken, and for what programme.
    sensors
        Sensors to read, as names separated by colons.
    note
        Note of the observer.
    """

    exp_time: float
    shutter: bool
    image_type: str
    group_id: str
    n: int
    n_snaps: int = 1
    test_type: str | None = None
    reason: str | None = None
    program: str | None = None
    sensors: str | None = None
    note: str | None = None

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
