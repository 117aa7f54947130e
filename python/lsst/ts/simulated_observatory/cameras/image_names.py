"""Names of images, as the cameras give them."""

from __future__ import annotations

__all__ = ["image_name"]


def image_name(code: str, day_obs: int, sequence: int, controller: str = "O") -> str:
    """Name an image.

    Parameters
    ----------
    code, controller
        Two letters of the camera, and one of what controls it: ``O`` for the observatory's control system.
    day_obs, sequence
        Observing day, YYYYMMDD, and number of the image on that day, from 1.

    Returns
    -------
    name
        E.g. ``AT_O_20250115_000007``.

    Raises
    ------
    ValueError
        The sequence number does not fit the five digits that an exposure id has for it.
    """
    if not 0 < sequence < 100_000:
        raise ValueError(f"sequence number {sequence} is not between 1 and 99999")
    return f"{code}_{controller}_{day_obs:08d}_{sequence:06d}"
