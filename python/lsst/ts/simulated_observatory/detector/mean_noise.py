"""Random numbers of the mean of many exposures."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

__all__ = ["MeanNoise"]


class MeanNoise(np.random.Generator):
    """Normal and Poisson random numbers that are means over exposures; all others are those of one exposure.

    What is linear in such numbers, as most of a detector is, then has the distribution of its mean.

    Parameters
    ----------
    rng, exposures
        Random numbers of one exposure, and how many exposures there are.
    """

    def __init__(self, rng: np.random.Generator, exposures: int) -> None:
        super().__init__(rng.bit_generator)
        self.exposures = exposures

    def standard_normal(self, *args: Any, **kwargs: Any) -> Any:
        """Draw means of normal numbers.

        Parameters
        ----------
        *args, **kwargs
            As of `numpy.random.Generator.standard_normal`.

        Returns
        -------
        numbers
            Of the type that was asked for.
        """
        numbers = super().standard_normal(*args, **kwargs)
        return numbers * np.asarray(1.0 / math.sqrt(self.exposures)).astype(getattr(numbers, "dtype", float))

    def poisson(self, *args: Any, **kwargs: Any) -> Any:
        """Draw means of Poisson numbers, which are no integers.

        Parameters
        ----------
        *args, **kwargs
            As of `numpy.random.Generator.poisson`.

        Returns
        -------
        numbers
            Real numbers.
        """
        mean, *others = args
        return super().poisson(np.multiply(mean, self.exposures), *others, **kwargs) / self.exposures
