"""Calibrations that are tables, not images: photon transfer curve, defects, crosstalk, linearizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Crosstalk", "Defects", "Linearizer", "PhotonTransferCurve", "Table"]


@dataclass(eq=False)
class Table:
    """A calibration that is written as one JSON object.

    JSON has no NaN: numbers that are not finite are null in the file, and NaN again when read.

    Parameters
    ----------
    detector
        Full name, e.g. ``RXX_S00``.
    """

    kind: ClassVar[str] = ""

    detector: str

    def to_dict(self) -> dict[str, Any]:
        """All attributes, as JSON can hold them."""
        return {"kind": self.kind, **_replaced(asdict(self), lambda each: each if _is_finite(each) else None)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make the calibration from what `to_dict` gave.

        Parameters
        ----------
        values
            Attributes by name, and ``kind``.

        Returns
        -------
        table
            The calibration.

        Raises
        ------
        ValueError
            The values are those of another kind of calibration.
        """
        if values.get("kind") != cls.kind:
            raise ValueError(f"this is {values.get('kind')!r} and not {cls.kind!r}")
        return cls(**{key: value for key, value in values.items() if key != "kind"})


@dataclass(eq=False)
class PhotonTransferCurve(Table):
    """Gains and noise of the amplifiers of a detector, from pairs of flats: a whole curve, or one pair.

    Parameters
    ----------
    gain, gainErr
        electron/adu by amplifier.
    noise, noiseErr
        Read noise (electron) by amplifier: that of the curve if it has pairs that are faint enough,
        else that of the serial overscan.
    imageNoise
        Noise (electron) by amplifier of an image without light that was processed in the same way: read
        noise, and what the subtraction of the overscan adds. This is the nominal noise of verification.
    a00, a00Err
        Brighter-fatter coefficient, 1/electron, by amplifier.
    ptcTurnoff, ptcTurnoffSamplingError
        Largest mean that follows the curve, adu, by amplifier; and half the distance to the next pair.
    ptcFitType
        Model of the curve: EXPAPPROXIMATION, FULLCOVARIANCE or FULLCOVARIANCE_NO_B; empty for one pair.
    ptcFitChiSq, ptcFitDof
        By amplifier: chi^2 per degree of freedom of the pairs that were used, and these degrees.
    reasons
        Why an amplifier has no gain; those that have one are not in it.
    aMatrix, bMatrix
        Coefficients a and b (1/electron) of Astier et al. 2019, equation 20, by amplifier; ``[i][j]`` for
        pixels i columns and j rows apart. Only with FULLCOVARIANCE.
    rawMeans, rawVars, usedPoints, pixelCounts, overscanNoise
        By amplifier, one value for each pair: mean (adu), variance of one image (adu^2), whether the fit
        used it, number of pixels that were measured, noise in the serial overscan (adu).
    covariances
        By amplifier, one matrix for each pair: covariances (adu^2) of pixels i columns and j rows apart.
    rawExpTimes, inputExpIdPairs
        Exposure time (s) and exposure ids of each pair.
    metadata
        Of the first flat.
    """

    kind: ClassVar[str] = "PhotonTransferCurve"

    gain: dict[str, float]
    gainErr: dict[str, float] = field(default_factory=dict)
    noise: dict[str, float] = field(default_factory=dict)
    noiseErr: dict[str, float] = field(default_factory=dict)
    imageNoise: dict[str, float] = field(default_factory=dict)
    a00: dict[str, float] = field(default_factory=dict)
    a00Err: dict[str, float] = field(default_factory=dict)
    ptcTurnoff: dict[str, float] = field(default_factory=dict)
    ptcTurnoffSamplingError: dict[str, float] = field(default_factory=dict)
    ptcFitType: str = ""
    ptcFitChiSq: dict[str, float] = field(default_factory=dict)
    ptcFitDof: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    aMatrix: dict[str, list[list[float]]] = field(default_factory=dict)
    bMatrix: dict[str, list[list[float]]] = field(default_factory=dict)
    rawMeans: dict[str, list[float]] = field(default_factory=dict)
    rawVars: dict[str, list[float]] = field(default_factory=dict)
    usedPoints: dict[str, list[bool]] = field(default_factory=dict)
    covariances: dict[str, list[list[list[float]]]] = field(default_factory=dict)
    pixelCounts: dict[str, list[int]] = field(default_factory=dict)
    overscanNoise: dict[str, list[float]] = field(default_factory=dict)
    rawExpTimes: list[float] = field(default_factory=list)
    inputExpIdPairs: list[tuple[int, int]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "metadata":
                setattr(self, name, _replaced(value, lambda each: math.nan if each is None else each))
        self.inputExpIdPairs = [(int(first), int(second)) for first, second in self.inputExpIdPairs]

    @property
    def ampNames(self) -> list[str]:
        """Names of the amplifiers."""
        return list(self.gain)


@dataclass(eq=False)
class Defects(Table):
    """Pixels that are not to be trusted.

    Parameters
    ----------
    shape, boxes
        Rows and columns of the image; x0, y0, width, height of each defect, pixels.
    metadata
        How they were found.
    """

    kind: ClassVar[str] = "Defects"

    shape: tuple[int, int]
    boxes: list[tuple[int, int, int, int]]
    metadata: dict[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.boxes)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """True in defects; shape (rows, columns)."""
        mask = np.zeros(tuple(self.shape), dtype=bool)
        for x0, y0, width, height in self.boxes:
            mask[y0 : y0 + height, x0 : x0 + width] = True
        return mask

    @classmethod
    def from_mask(
        cls, detector: str, mask: NDArray[np.bool_], metadata: Mapping[str, Any] | None = None
    ) -> Self:
        """Make boxes of a mask: runs in each column, joined with equal runs of the column before.

        Parameters
        ----------
        detector, metadata
            Full name of the detector, and how the defects were found.
        mask
            True in defects; shape (rows, columns).

        Returns
        -------
        defects
            With as few boxes as this gives.
        """
        edges = np.zeros((mask.shape[1], mask.shape[0] + 2), dtype=np.int8)
        edges[:, 1:-1] = mask.T
        steps = np.diff(edges, axis=1)
        columns, starts = np.nonzero(steps == 1)
        stops = np.nonzero(steps == -1)[1]
        boxes: list[tuple[int, int, int, int]] = []
        growing: dict[tuple[int, int], int] = {}
        for x, y0, y1 in zip(columns.tolist(), starts.tolist(), stops.tolist(), strict=True):
            index = growing.get((y0, y1))
            if index is not None and boxes[index][0] + boxes[index][2] == x:
                x0, _, width, height = boxes[index]
                boxes[index] = (x0, y0, width + 1, height)
            else:
                growing[y0, y1] = len(boxes)
                boxes.append((x, y0, 1, y1 - y0))
        rows, width = mask.shape
        return cls(detector, (rows, width), boxes, dict(metadata or {}))


@dataclass(eq=False)
class Crosstalk(Table):
    """Part of the signal of each amplifier that appears in the others.

    Parameters
    ----------
    amplifiers, coeffs
        Names; ``coeffs[i][j]`` is the part of the signal of amplifier j that is added to amplifier i.
    """

    kind: ClassVar[str] = "Crosstalk"

    amplifiers: list[str]
    coeffs: list[list[float]]


@dataclass(eq=False)
class Linearizer(Table):
    """Polynomial correction of non-linearity: s = r + c[0] r^2 + c[1] r^3 + ... for a recorded signal r.

    Parameters
    ----------
    linearityCoeffs
        c by amplifier; the unit of ``c[n]`` is adu^-(n + 1).
    """

    kind: ClassVar[str] = "Linearizer"

    linearityCoeffs: dict[str, list[float]]


def _replaced(value: Any, function: Callable[[Any], Any]) -> Any:
    """The same with all values in dictionaries and sequences replaced by what a function makes of them."""
    if isinstance(value, dict):
        return {key: _replaced(each, function) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each, function) for each in value]
    return function(value)


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
