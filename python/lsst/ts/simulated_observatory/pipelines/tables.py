"""Calibrations that are tables, not images: photon transfer curve, defects, crosstalk, linearizer."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["Crosstalk", "Defects", "Linearizer", "PhotonTransferCurve", "Table"]


@dataclass(eq=False)
class Table:
    """A calibration without pixels; `layouts` says how it is stored.

    As a dictionary it is what JSON can hold: numbers that are not finite are null, and NaN again when read.

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
        read = {
            key: value if key == "metadata" else _replaced(value, _nan_if_none)
            for key, value in values.items()
            if key != "kind"
        }
        return cls(**read)


@dataclass(eq=False)
class PhotonTransferCurve(Table):
    """Gains and noise of the amplifiers of a detector, from pairs of flats: a whole curve, or one pair.

    Names are those of ip_isr's ``PhotonTransferCurveDataset``, as far as it has them. All is by amplifier;
    lists have one value for each pair.

    Parameters
    ----------
    gain, gainErr, gainList
        electron/adu: of the curve (or of the pair), its error, and as measured on each pair alone.
    noise, noiseErr
        Read noise (electron): that of the curve if it has pairs that are faint enough, else that of the
        serial overscan.
    imageNoise
        Noise (electron) of an image without light that was processed in the same way: read noise, and what
        the subtraction of the overscan adds. This is the nominal noise of verification.
    a00, a00Err
        Brighter-fatter coefficient, 1/electron.
    ptcTurnoff, ptcTurnoffSamplingError
        Largest mean that follows the curve, adu; and half the distance to the next pair.
    ptcFitType
        Model of the curve: EXPAPPROXIMATION, FULLCOVARIANCE or FULLCOVARIANCE_NO_B; PARTIAL for one pair.
    ptcFitPars, ptcFitParsError, ptcFitChiSq
        a00 (1/electron), gain (electron/adu) and square of the noise of images (electron^2); chi^2 per degree
        of freedom.
    ptcFitDof, reasons
        These degrees of freedom; why an amplifier has no gain (those that have one are not in it).
    aMatrix, bMatrix, noiseMatrix
        Coefficients a and b (1/electron) of Astier et al. 2019, equation 20, and covariances without light
        (electron^2); ``[i][j]`` for pixels i columns and j rows apart. Only with FULLCOVARIANCE.
    rawMeans, rawVars, rawDeltas, usedPoints, pixelCounts
        Mean of the two flats (adu), variance of one image (adu^2), second mean minus first (adu), whether the
        fit used the pair, number of pixels that were measured.
    finalModelVars
        Variance (adu^2) of the model at the mean of each pair that was used, else NaN.
    covariances, covariancesModel
        One matrix for each pair: covariances (adu^2) of pixels i columns and j rows apart, as measured and of
        the model (only with FULLCOVARIANCE).
    overscanNoise, overscanMedianLevelList
        Noise and median level of the serial overscan (adu).
    rawExpTimes, inputExpIdPairs, inputExpPairMjdStartList
        Exposure time (s), exposure ids, and begin of the first exposure (MJD, TAI) of each pair. (Earlier
        versions had the first two as lists, once for all amplifiers; such lists are understood.)
    metadata
        Of the first flat.
    """

    kind: ClassVar[str] = "PhotonTransferCurve"

    gain: dict[str, float]
    gainErr: dict[str, float] = field(default_factory=dict)
    gainList: dict[str, list[float]] = field(default_factory=dict)
    noise: dict[str, float] = field(default_factory=dict)
    noiseErr: dict[str, float] = field(default_factory=dict)
    imageNoise: dict[str, float] = field(default_factory=dict)
    a00: dict[str, float] = field(default_factory=dict)
    a00Err: dict[str, float] = field(default_factory=dict)
    ptcTurnoff: dict[str, float] = field(default_factory=dict)
    ptcTurnoffSamplingError: dict[str, float] = field(default_factory=dict)
    ptcFitType: str = "PARTIAL"
    ptcFitPars: dict[str, list[float]] = field(default_factory=dict)
    ptcFitParsError: dict[str, list[float]] = field(default_factory=dict)
    ptcFitChiSq: dict[str, float] = field(default_factory=dict)
    ptcFitDof: dict[str, int] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    aMatrix: dict[str, list[list[float]]] = field(default_factory=dict)
    bMatrix: dict[str, list[list[float]]] = field(default_factory=dict)
    noiseMatrix: dict[str, list[list[float]]] = field(default_factory=dict)
    rawMeans: dict[str, list[float]] = field(default_factory=dict)
    rawVars: dict[str, list[float]] = field(default_factory=dict)
    rawDeltas: dict[str, list[float]] = field(default_factory=dict)
    usedPoints: dict[str, list[bool]] = field(default_factory=dict)
    finalModelVars: dict[str, list[float]] = field(default_factory=dict)
    covariances: dict[str, list[list[list[float]]]] = field(default_factory=dict)
    covariancesModel: dict[str, list[list[list[float]]]] = field(default_factory=dict)
    pixelCounts: dict[str, list[int]] = field(default_factory=dict)
    overscanNoise: dict[str, list[float]] = field(default_factory=dict)
    overscanMedianLevelList: dict[str, list[float]] = field(default_factory=dict)
    rawExpTimes: dict[str, list[float]] = field(default_factory=dict)
    inputExpIdPairs: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    inputExpPairMjdStartList: dict[str, list[float]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("rawExpTimes", "inputExpIdPairs"):
            if isinstance(value := getattr(self, name), list):
                setattr(self, name, {amplifier: list(value) for amplifier in self.gain})
        self.inputExpIdPairs = {
            name: [(int(first), int(second)) for first, second in pairs]
            for name, pairs in self.inputExpIdPairs.items()
        }

    @property
    def ampNames(self) -> list[str]:
        """Names of the amplifiers."""
        return list(self.gain)

    @property
    def badAmps(self) -> list[str]:
        """Names of the amplifiers that have no gain."""
        return [name for name, gain in self.gain.items() if not math.isfinite(gain)]

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Exposure ids of the pairs."""
        return next(iter(self.inputExpIdPairs.values()), [])

    @property
    def expIdMask(self) -> dict[str, list[bool]]:
        """Which pairs were used."""
        return self.usedPoints

    @property
    def noiseList(self) -> dict[str, list[float]]:
        """Noise of the serial overscan, adu."""
        return self.overscanNoise

    @property
    def gainUnadjusted(self) -> dict[str, float]:
        """The gains: none is adjusted to those of other amplifiers."""
        return self.gain

    @property
    def nPixelCovariances(self) -> dict[str, int]:
        """Fewest pixels that were measured in a pair; -1 if that is not known."""
        return {name: min(self.pixelCounts.get(name) or [-1]) for name in self.gain}

    @property
    def covMatrixSide(self) -> int:
        """Lags of the covariances in each direction."""
        return next((np.shape(each)[-1] for each in self.covariances.values() if np.size(each)), 1)

    @property
    def covMatrixSideFullCovFit(self) -> int:
        """Lags that were fitted in each direction."""
        return next((len(each) for each in self.aMatrix.values()), self.covMatrixSide)

    @property
    def covariancesSqrtWeights(self) -> dict[str, NDArray[np.float64]]:
        """Inverse of the errors of the covariances, adu^-2, of the shape of these.

        Both diagonal directions are averaged, and a variance scatters more than a covariance.
        """
        share = np.full((self.covMatrixSide,) * 2, 0.5)
        share[0, :] = share[:, 0] = 1.0
        share[0, 0] = 2.0
        weights = {}
        for name, counts in self.pixelCounts.items() if self.pairs else ():
            variance = np.asarray(self.covariances[name], dtype=np.float64)[:, :1, :1]
            weights[name] = np.sqrt(np.reshape(counts, (-1, 1, 1)) / share) / variance
        return weights

    @property
    def finalMeans(self) -> dict[str, list[float]]:
        """Means (adu) of the pairs that were used, else NaN."""
        return self._of_used(self.rawMeans)

    @property
    def finalVars(self) -> dict[str, list[float]]:
        """Variances (adu^2) of the pairs that were used, else NaN."""
        return self._of_used(self.rawVars)

    @property
    def overscanMedian(self) -> dict[str, float]:
        """Median level of the serial overscan over the pairs that were used, adu."""
        return {name: float(np.median(levels)) for name, levels in self._overscan().items()}

    @property
    def overscanMedianSigma(self) -> dict[str, float]:
        """Scatter of that level, adu: 1.4826 times the median absolute deviation."""
        return {
            name: 1.4826 * float(np.median(np.abs(levels - np.median(levels))))
            for name, levels in self._overscan().items()
        }

    def _overscan(self) -> dict[str, NDArray[np.float64]]:
        used = {name: np.array(each) for name, each in self._of_used(self.overscanMedianLevelList).items()}
        found = {name: levels[np.isfinite(levels)] for name, levels in used.items()}
        return {name: levels if levels.size else np.array([math.nan]) for name, levels in found.items()}

    def _of_used(self, values: Mapping[str, Sequence[float]]) -> dict[str, list[float]]:
        """Values of the pairs that were used, else NaN."""
        return {
            name: [value if used else math.nan for value, used in zip(each, mask, strict=True)]
            for name, each in values.items()
            if len(mask := self.usedPoints.get(name, ())) == len(each)
        }


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
        Names; ``coeffs[source][target]`` is the part of the signal (adu) of one amplifier that is added to
        another, as ip_isr has it.
    metadata
        Serial number of the detector.
    """

    kind: ClassVar[str] = "Crosstalk"

    amplifiers: list[str]
    coeffs: list[list[float]]
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Linearizer(Table):
    """Polynomial correction of non-linearity: s = r + c[0] r^2 + c[1] r^3 + ... for a recorded signal r.

    Parameters
    ----------
    linearityCoeffs
        c by amplifier; the unit of ``c[n]`` is adu^-(n + 1).
    linearityBBox
        Place of each amplifier in the image: x0, y0, width, height, pixels.
    metadata
        Serial number of the detector.
    """

    kind: ClassVar[str] = "Linearizer"

    linearityCoeffs: dict[str, list[float]]
    linearityBBox: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


def _replaced(value: Any, function: Callable[[Any], Any]) -> Any:
    """The same with all values in dictionaries and sequences replaced by what a function makes of them."""
    if isinstance(value, dict):
        return {key: _replaced(each, function) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_replaced(each, function) for each in value]
    return function(value)


def _nan_if_none(value: Any) -> Any:
    return math.nan if value is None else value


def _is_finite(value: Any) -> bool:
    return not isinstance(value, float) or math.isfinite(value)
