"""The types of calibrations: one table, which is the only place that knows them by name.

A type is added as a row of `CALIBRATIONS`; configuration, workflow, preflight, processing and verification
read what they need of it from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .instruments import ImageType

__all__ = [
    "CALIBRATIONS",
    "PAIR_GAINS",
    "CalibrationType",
    "StepKind",
    "pipeline_files",
    "products",
    "step_name",
]


class StepKind(StrEnum):
    """Kinds of steps, and of their jobs (certifying needs none), as journals and summaries name them."""

    GENERATE = "generate"
    VERIFY = "verify"
    CERTIFY = "certify"
    GAINS = "gain"


@dataclass(frozen=True, kw_only=True)
class CalibrationType:
    """A type of calibration."""

    name: str
    """As journals and summaries name it, e.g. ``BIAS``; its options end in ``_bias``."""
    made_from: tuple[ImageType, ...]
    """Types of the images that it is made from."""
    verified_with: ImageType
    """Type of the images that its verification job gets. A calibration that this run made must be verified
    with all images of this type that it was made from."""
    verified_by_itself: bool = False
    """Whether its own values are tested, and not images that were processed with it."""
    needs: tuple[str, ...] = ()
    """Calibrations that must be accepted before it can be made, in the order in which they are made; those
    that the run does not make are taken from the input collections."""
    option: str = "generate_calibrations"
    """Name of the option that asks for it to be made; this one for all that combine images."""
    generated_by: tuple[str, ...]
    """Names that the file of its pipeline has had in cp_pipe, the present one first."""
    verified_by: tuple[str, ...]
    """The same for cp_verify."""

    @property
    def dataset_type(self) -> str:
        """Name of its dataset type in the Butler, e.g. ``bias``."""
        return self.name.lower()

    @property
    def image_type(self) -> ImageType | None:
        """Type of the images that it combines; None for a product, which is measured on images."""
        return ImageType(self.name) if self.name in ImageType.__members__ else None

    @property
    def halts(self) -> bool:
        """Whether no further image makes sense once it was rejected, since later types are made with it."""
        return self.image_type is not None

    @property
    def statistics_prefix(self) -> str:
        """Begin of the names of the datasets that its verification leaves, e.g. ``verifyBias``."""
        return f"verify{self.name.capitalize()}"

    def option_of(self, prefix: str) -> str:
        """Name of one of its options.

        Parameters
        ----------
        prefix
            What the option is about, e.g. ``input_collections``.

        Returns
        -------
        name
            E.g. ``input_collections_bias``.
        """
        return f"{prefix}_{self.name.lower()}"


@dataclass(frozen=True, kw_only=True)
class _PairGainMeasurement:
    """The measurement of gains with pairs of flats, a part of the pipeline of the photon transfer curve."""

    name: str  # in place of a calibration's in journals and summaries
    title: str  # for people
    made_from: ImageType  # type of the images that are paired
    option: str  # name of the option that asks for it
    settings_of: str  # calibration whose pipeline, options and input collections it uses
    subsets: tuple[str, ...]  # names that this part of the pipeline has had in cp_pipe
    own_subset: str  # the documented one of these
    tasks_left_out: tuple[str, ...]  # labels of tasks of that pipeline that are not run: no options for them


CALIBRATIONS: dict[str, CalibrationType] = {
    each.name: each
    for each in (
        CalibrationType(
            name="BIAS",
            made_from=(ImageType.BIAS,),
            verified_with=ImageType.BIAS,
            generated_by=("cpBias.yaml",),
            verified_by=("verifyBias.yaml",),
        ),
        CalibrationType(
            name="DARK",
            made_from=(ImageType.DARK,),
            verified_with=ImageType.DARK,
            needs=("BIAS",),
            generated_by=("cpDark.yaml",),
            verified_by=("verifyDark.yaml",),
        ),
        CalibrationType(
            name="FLAT",
            made_from=(ImageType.FLAT,),
            verified_with=ImageType.FLAT,
            needs=("BIAS", "DARK"),
            generated_by=("cpFlat.yaml",),
            verified_by=("verifyFlat.yaml",),
        ),
        # Found in darks and flats; what a masked pixel does to an image shows where there is light.
        CalibrationType(
            name="DEFECTS",
            made_from=(ImageType.DARK, ImageType.FLAT),
            verified_with=ImageType.FLAT,
            needs=("BIAS", "DARK", "FLAT"),
            option="do_defects",
            generated_by=("cpDefects.yaml", "findDefects.yaml"),
            verified_by=("verifyDefects.yaml",),
        ),
        CalibrationType(
            name="PTC",
            made_from=(ImageType.FLAT,),
            verified_with=ImageType.FLAT,
            verified_by_itself=True,
            needs=("BIAS", "DARK", "FLAT"),
            option="do_ptc",
            generated_by=("cpPtc.yaml", "measurePhotonTransferCurve.yaml"),
            verified_by=("verifyPtc.yaml",),
        ),
    )
}
"""All types by name, in the order in which they are made; each after those that it needs."""

PAIR_GAINS = _PairGainMeasurement(
    name="GAIN",
    title="gains from flat pairs",
    made_from=ImageType.FLAT,
    option="do_gain_from_flat_pairs",
    settings_of="PTC",
    subsets=("cpPtcGainFromFlatPairs", "generateGainFromFlatPair", "genGainsFromFlatPairs"),
    own_subset="generateGainFromFlatPair",
    tasks_left_out=("cpPtcSolve", "cpPtcAdjustGainRatios"),
)


def products() -> tuple[CalibrationType, ...]:
    """Types that are measured on images, and not combined from images of their own type."""
    return tuple(each for each in CALIBRATIONS.values() if each.image_type is None)


def pipeline_files(kind: StepKind, calibration: str) -> tuple[str, ...]:
    """Names of the files that may hold the pipeline of a job.

    Parameters
    ----------
    kind, calibration
        Kind of the job, and name of the calibration or of `PAIR_GAINS`.

    Returns
    -------
    names
        The present one first.
    """
    made = CALIBRATIONS[PAIR_GAINS.settings_of if kind is StepKind.GAINS else calibration]
    return made.verified_by if kind is StepKind.VERIFY else made.generated_by


def step_name(kind: str, calibration: str) -> str:
    """Name a step of the workflow for people, as journal and summary have it.

    Parameters
    ----------
    kind, calibration
        What is done, and the name of the calibration or of `PAIR_GAINS`.

    Returns
    -------
    name
        E.g. ``verify BIAS``, or ``gains from flat pairs``.
    """
    return PAIR_GAINS.title if kind == StepKind.GAINS else f"{kind} {calibration}"
