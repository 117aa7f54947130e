"""What the OCPS is asked to run, as the text fields of its execute command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .exposures import ImageType
from .instruments import Instrument

__all__ = ["JobRequest", "data_query", "gain_job", "verification_job"]

PIPELINES = "resource://lsst.ts.calibrations.pipelines"
"""Where this project's own pipelines are, as lsst.resources addresses them."""

GAIN_SUBSET = "generateGainFromFlatPair"
"""The part of the PTC pipeline that measures the gain of each pair of flats."""


@dataclass(frozen=True)
class JobRequest:
    """One job.

    Parameters
    ----------
    kind
        ``generate``, ``verify`` or ``gain``.
    calibration
        ``BIAS``, ``DARK``, ``FLAT``...
    pipeline
        Address of the pipeline.
    config
        Options of pipetask, separated by blanks.
    data_query
        Which images.
    """

    kind: str
    calibration: str
    pipeline: str
    config: str
    data_query: str

    @property
    def name(self) -> str:
        """The job in words, e.g. ``verify BIAS``."""
        return "gains from flat pairs" if self.kind == "gain" else f"{self.kind} {self.calibration}"


def data_query(instrument: Instrument, detectors: Sequence[int], exposures: Sequence[int]) -> str:
    """Select detectors and exposures in the words of the Butler.

    Parameters
    ----------
    instrument
        Whose images.
    detectors, exposures
        Ids; integers only, so that nothing else can reach the query.

    Raises
    ------
    ValueError
        There are no detectors or no exposures: an empty ``IN ()`` would select everything or nothing.
    """
    if not detectors or not exposures:
        raise ValueError("a data query needs at least one detector and one exposure")
    return (
        f"instrument='{instrument.name}'"
        f" AND detector IN ({', '.join(str(int(number)) for number in detectors)})"
        f" AND exposure IN ({', '.join(str(int(number)) for number in exposures)})"
    )


def verification_job(
    image_type: ImageType, *, inputs: Sequence[str], processes: int, query: str
) -> JobRequest:
    """Verify the exposures of one type against the calibrations of the input collections."""
    return JobRequest(
        kind="verify",
        calibration=image_type.value,
        pipeline=f"{PIPELINES}/verify{image_type.capitalize()}.yaml",
        config=_options(inputs, processes),
        data_query=query,
    )


def gain_job(*, inputs: Sequence[str], processes: int, options: str, query: str) -> JobRequest:
    """Measure the gain of every pair of flats."""
    return JobRequest(
        kind="gain",
        calibration="GAIN",
        pipeline=f"{PIPELINES}/cpPtc.yaml#{GAIN_SUBSET}",
        config=_options(inputs, processes, options),
        data_query=query,
    )


def _options(inputs: Sequence[str], processes: int, extra: str = "") -> str:
    """Options of pipetask; the OCPS splits them at blanks and honours no quotes."""
    return " ".join([f"-j {processes}", f"-i {','.join(inputs)}", "--register-dataset-types", *extra.split()])
