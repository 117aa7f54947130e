"""The configuration of a run, as typed values."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType, SimpleNamespace
from typing import Any

from ..domain.calibrations import CALIBRATIONS, PAIR_GAINS, CalibrationType, products
from ..domain.errors import ConfigurationError
from ..domain.exposure_times import times_per_exposure
from ..domain.instruments import ImageType, Instrument
from .rules import image_types, parse_date, rule_problems
from .schema import defaults, load_schema
from .strings import collection_names

__all__ = ["CalibrationConfig", "ImageSettings", "ProductSettings"]


@dataclass(frozen=True)
class ImageSettings:
    """Options of one image type.

    Parameters
    ----------
    n, n_discard
        How many images are used, and how many are taken before them and discarded.
    exposure_times
        Of every image [s], those of the discarded first; zeros for biases.
    threshold
        How many amplifiers of a detector must fail a test for the exposure to fail.
    config_options
        Options for the pipetask that combines the images.
    input_collections, verify_collections
        Collections for the pipetasks that combine and that verify.
    """

    n: int
    n_discard: int
    exposure_times: tuple[float, ...]
    threshold: int
    config_options: str
    input_collections: tuple[str, ...]
    verify_collections: tuple[str, ...]


@dataclass(frozen=True)
class ProductSettings:
    """Options of defects or photon transfer curve: for their pipetask, and its input collections."""

    config_options: str
    input_collections: tuple[str, ...]


@dataclass(frozen=True)
class CalibrationConfig:
    """All options of a run; made by `from_namespace`.

    Parameters
    ----------
    instrument
        Name of the instrument.
    images
        Settings of the image types that are taken, in their order.
    filter, grating
        Name or position; None leaves what is in the beam.
    detectors
        Butler ids of the detectors to process, in order; never empty.
    do_verify, generate_calibrations
        What is to be done.
    products
        Settings of the products that are asked for, by the name of the calibration, e.g. ``DEFECTS``.
    gains
        Settings of the gains from flat pairs; None if they are not asked for, or if no flats are taken.
    calib_collection, repo
        Where to certify, and the Butler repository.
    n_processes
        Processes of each pipetask.
    certify_begin, certify_end
        Validity range, TAI (as datetimes without a time zone).
    oods_timeout, job_timeout, wait_between_exposures
        Seconds.
    program, reason, note, test_case
        For headers and records.
    options
        Every option by its name, defaults filled in.
    """

    instrument: str
    images: Mapping[ImageType, ImageSettings]
    filter: str | int | None
    grating: str | int | None
    detectors: tuple[int, ...]
    do_verify: bool
    generate_calibrations: bool
    products: Mapping[str, ProductSettings]
    gains: ProductSettings | None
    calib_collection: str
    repo: str
    n_processes: int
    certify_begin: datetime
    certify_end: datetime
    oods_timeout: float
    job_timeout: float
    wait_between_exposures: float
    program: str | None
    reason: str | None
    note: str | None
    test_case: Mapping[str, Any] | None
    options: Mapping[str, Any]

    @classmethod
    def from_namespace(
        cls, namespace: SimpleNamespace | Mapping[str, Any], instrument: Instrument
    ) -> CalibrationConfig:
        """Make the configuration from options that comply with the schema.

        Parameters
        ----------
        namespace
            The options, as ``BaseScript.configure`` gets them; options that are absent have their default.
        instrument
            Instrument of the script.

        Raises
        ------
        ConfigurationError
            The options do not go together.
        """
        given = vars(namespace) if isinstance(namespace, SimpleNamespace) else dict(namespace)
        standard = defaults(load_schema(instrument.name))
        options = {**standard, **given}
        problems = rule_problems(options, instrument, given=options, standard=standard, unusable=frozenset())
        if problems:
            raise ConfigurationError(problems)
        kinds = image_types(options["script_mode"])
        as_they_are = {name: options[name] for name in _AS_THEY_ARE}
        as_they_are["grating"] = options.get("grating")  # a camera without spectrograph has no such option
        return cls(
            instrument=instrument.name,
            images=MappingProxyType({kind: _image_settings(options, kind) for kind in kinds}),
            detectors=tuple(sorted(map(int, options["detectors"]))) or tuple(instrument.detectors),
            products=MappingProxyType(
                {each.name: _product_settings(options, each) for each in products() if options[each.option]}
            ),
            gains=_gain_settings(options, kinds),
            n_processes=int(options["n_processes"]),
            certify_begin=parse_date(options["certify_calib_begin_date"]),
            certify_end=parse_date(options["certify_calib_end_date"]),
            oods_timeout=float(options["oods_timeout"]),
            job_timeout=float(options["job_timeout"]),
            wait_between_exposures=float(options["wait_between_exposures"]),
            options=MappingProxyType(options),
            **as_they_are,
        )

    @property
    def image_types(self) -> tuple[ImageType, ...]:
        """Image types that are taken, in their order."""
        return tuple(self.images)

    def as_dict(self) -> dict[str, Any]:
        """Every option by its name, defaults filled in."""
        return dict(self.options)

    @property
    def certifies(self) -> bool:
        """Whether anything is to be certified."""
        return self.generate_calibrations or bool(self.products)

    def validity_warning(self, now: float) -> str | None:
        """What to say if images of now would not find the calibrations that are certified.

        Parameters
        ----------
        now
            TAI, in seconds since 1970-01-01T00:00:00 TAI.
        """
        tonight = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)  # TAI: only its calendar is used
        if not self.certifies or self.is_valid_at(tonight):
            return None
        return (
            f"the validity range, {self.certify_begin} to {self.certify_end} TAI, does not contain tonight's"
            " images: they would not find what is certified"
        )

    def is_valid_at(self, date: datetime) -> bool:
        """Whether the validity range contains a date (TAI)."""
        return self.certify_begin <= date < self.certify_end


_AS_THEY_ARE = (
    "filter",
    "do_verify",
    "generate_calibrations",
    "calib_collection",
    "repo",
    "program",
    "reason",
    "note",
    "test_case",
)


def _image_settings(options: Mapping[str, Any], kind: ImageType) -> ImageSettings:
    name = kind.lower()
    n, n_discard = int(options[f"n_{name}"]), int(options[f"n_discard_{name}"])
    times = 0.0 if kind is ImageType.BIAS else options[f"exp_times_{name}"]
    return ImageSettings(
        n=n,
        n_discard=n_discard,
        exposure_times=times_per_exposure(times, n, n_discard),
        threshold=int(options[f"number_verification_tests_threshold_{name}"]),
        config_options=options[f"config_options_{name}"].strip(),
        input_collections=collection_names(options[f"input_collections_{name}"]),
        verify_collections=collection_names(options[f"input_collections_verify_{name}"]),
    )


def _product_settings(options: Mapping[str, Any], calibration: CalibrationType) -> ProductSettings:
    return ProductSettings(
        config_options=options[calibration.option_of("config_options")].strip(),
        input_collections=collection_names(options[calibration.option_of("input_collections")]),
    )


def _gain_settings(options: Mapping[str, Any], kinds: Collection[ImageType]) -> ProductSettings | None:
    if not options[PAIR_GAINS.option] or PAIR_GAINS.made_from not in kinds:
        return None
    return _product_settings(options, CALIBRATIONS[PAIR_GAINS.settings_of])
