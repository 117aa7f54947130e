"""The few names of ``lsst.ts.utils`` that scripts use most, in the time of the loop that runs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..clock import current_tai

if TYPE_CHECKING:
    from astropy.time import Time

__all__ = ["astropy_time_from_tai_unix", "current_tai", "index_generator", "make_done_future"]


def astropy_time_from_tai_unix(tai_unix: float) -> Time:
    """Return the time that is so many TAI seconds after 1970-01-01T00:00:00 TAI."""
    from astropy.time import Time

    return Time(tai_unix, format="unix_tai")


def index_generator(imin: int = 1, imax: int = 2**31 - 1, i0: int | None = None) -> Iterator[int]:
    """Count from `i0` (None: `imin`) to `imax`, and from `imin` again, for ever."""
    first = imin if i0 is None else i0
    return itertools.chain(range(first, imax + 1), itertools.chain.from_iterable(_rounds(imin, imax)))


def make_done_future() -> asyncio.Future[None]:
    """Return a future that is done, with the result None."""
    future = asyncio.get_running_loop().create_future()
    future.set_result(None)
    return future


def _rounds(imin: int, imax: int) -> Iterator[range]:
    return itertools.repeat(range(imin, imax + 1))
