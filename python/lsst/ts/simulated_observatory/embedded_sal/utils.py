"""The few names of ``lsst.ts.utils`` that scripts use most, in the time of the loop that runs."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..clock import current_tai

if TYPE_CHECKING:
    from astropy.time import Time

__all__ = ["astropy_time_from_tai_unix", "current_tai", "index_generator", "make_done_future"]


def astropy_time_from_tai_unix(tai_unix: float) -> Time:
    """Convert TAI seconds since 1970-01-01T00:00:00 TAI to a time of astropy.

    Parameters
    ----------
    tai_unix : float

    Returns
    -------
    time : astropy.time.Time
    """
    from astropy.time import Time

    return Time(tai_unix, format="unix_tai")


def index_generator(imin: int = 1, imax: int = 2**31 - 1, i0: int | None = None) -> Iterator[int]:
    """Count, and begin again at the end, for ever.

    Parameters
    ----------
    imin, imax, i0
        Least, greatest and first number; the first is `imin` by default.

    Yields
    ------
    number : int
    """
    yield from range(imin if i0 is None else i0, imax + 1)
    while True:
        yield from range(imin, imax + 1)


def make_done_future() -> asyncio.Future[None]:
    """Return a future that is done, with the result None."""
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future
