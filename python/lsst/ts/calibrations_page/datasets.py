"""Images and tables of the Butler that the page shows, whatever class they have."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lsst.ts.calibrations.domain.text import one_line

if TYPE_CHECKING:
    from lsst.daf.butler import Butler

__all__ = ["Datasets", "box_of", "pixels_of"]

_LOG = logging.getLogger(__name__)


class Datasets:
    """Finds datasets of one instrument; what is not there, or cannot be read, is None and is logged.

    Parameters
    ----------
    repository, instrument
        Path or label of the Butler repository, and name of the instrument.
    """

    def __init__(self, repository: str, instrument: str) -> None:
        self.instrument = instrument
        self._butler: Butler | None = None
        try:
            from lsst.daf.butler import Butler

            self._butler = Butler.from_config(repository, writeable=False)
        except Exception as error:  # the page shows all else
            _LOG.warning("the Butler repository %s cannot be opened: %s", repository, one_line(error, 200))

    def get(self, names: str | Iterable[str], collections: Sequence[str], **data_id: int | None) -> Any:
        """Read a dataset.

        Parameters
        ----------
        names
            Names that its type has had, the present one first.
        collections
            Where to look.
        **data_id
            Detector, exposure and what else names it; an exposure says for which time a calibration is asked.

        Returns
        -------
        dataset
            None if it is not there.
        """
        for name in (names,) if isinstance(names, str) else names:
            try:
                if self._butler is not None and collections:
                    named = {"instrument": self.instrument, **data_id}
                    return self._butler.get(name, named, collections=list(collections))
            except Exception as error:
                _LOG.info("%s %s is not shown: %s", name, data_id, one_line(error, 200))
        return None


def pixels_of(image: Any) -> NDArray[np.float32] | None:
    """Pixels of an image.

    Parameters
    ----------
    image
        An exposure of the Rubin software, or an image of the simulated pipelines; None gives None.

    Returns
    -------
    pixels
        Shape (rows, columns), the first row below.
    """
    if image is None:
        return None
    return np.asarray(image.getImage().getArray(), dtype=np.float32)


def box_of(defect: Any) -> tuple[int, int, int, int]:
    """Place of a defect.

    Parameters
    ----------
    defect
        A box of numbers, or a defect of the Rubin software.

    Returns
    -------
    x0, y0, width, height
        Pixels.
    """
    if isinstance(defect, (tuple, list)):
        x0, y0, width, height = map(int, defect)
        return x0, y0, width, height
    box = defect.getBBox()
    return int(box.getMinX()), int(box.getMinY()), int(box.getWidth()), int(box.getHeight())
