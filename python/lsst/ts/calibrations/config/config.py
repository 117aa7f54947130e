"""The configuration of a run: a text is examined once, for every problem, and made into typed values."""

from __future__ import annotations

import copy
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType, SimpleNamespace
from typing import Any

import yaml

from ..domain.calibrations import CALIBRATIONS, PAIR_GAINS, CalibrationType, products
from ..domain.errors import ConfigurationError
from ..domain.exposure_times import times_per_exposure
from ..domain.instruments import ImageType, Instrument, day_obs
from ..domain.text import plain
from .observing_day import DATES, DAY, NUMBER, daily_lines, fill_in, is_daily
from .rules import amplifier_named, rule_problems
from .schema import WITHOUT_EFFECT, compare, defaults, load_schema, show
from .text import read_mapping

__all__ = [
    "FEW_IMAGES",
    "MOST_PROBLEMS",
    "RECOMMENDED_IMAGES",
    "CalibrationConfig",
    "Findings",
    "ImageSet",
    "examine",
]

MOST_PROBLEMS = 40
"""Problems that are named one by one."""

_LONGEST = 4000  # characters of one problem or remark; the longest are proposed lists of exposure times
_NOT_MEASURED, _SURE_TO_FAIL, FEW_IMAGES = 3, 10, 14
"""Below so many images a flat made from them has no NOISE against these same images, and a bias or dark will
fail, or may fail, it: their residual noise is sqrt(1 - 1/N) of the nominal one, and the test allows 5 %
(DMTN-101, 4.3)."""

RECOMMENDED_IMAGES = 20
"""Images that a calibration should be made from (DMTN-222)."""


@dataclass(frozen=True)
class _ProductSettings:
    """Options of what a pipetask makes: a product, or the combination of the images of a type."""

    config_options: str  # for the pipetask
    input_collections: tuple[str, ...]  # for it


@dataclass(frozen=True)
class ImageSet(_ProductSettings):
    """The images of one type, and the options of the pipetasks that combine and verify them."""

    image_type: ImageType
    """Their type."""
    n_discard: int
    """How many of them come first and are discarded."""
    exposure_times: tuple[float, ...]
    """Of every image [s], in the order in which they are taken; zeros for biases."""
    threshold: int
    """How many amplifiers of a detector must fail a test for the exposure to fail."""
    verify_collections: tuple[str, ...]
    """Input collections of the pipetask that verifies."""

    @property
    def n_images(self) -> int:
        """How many images are taken."""
        return len(self.exposure_times)

    @property
    def kept_times(self) -> tuple[float, ...]:
        """Exposure times of the images that are used [s]."""
        return self.exposure_times[self.n_discard :]


@dataclass(frozen=True)
class CalibrationConfig:
    """All options of a run; made by `examine` or `from_namespace`."""

    images: Mapping[ImageType, ImageSet]
    """Settings of the image types that are taken, in their order."""
    filter: str | int | None
    """Name or position; None leaves it as it is."""
    grating: str | int | None
    """The same; always None for a camera without gratings."""
    detectors: tuple[int, ...]
    """Butler ids of the detectors to process, in order; never empty."""
    do_verify: bool
    """Whether images, or what is made from them, are verified."""
    generate_calibrations: bool
    """Whether the images of each type are combined."""
    products: Mapping[str, _ProductSettings]
    """Settings of the products that are asked for, by the name of the calibration, e.g. ``DEFECTS``."""
    gains: _ProductSettings | None
    """Settings of the gains from flat pairs; None if they are not asked for, or if no flats are taken."""
    calib_collection: str
    """Where to certify."""
    repo: str
    """The Butler repository."""
    n_processes: int
    """Processes of each pipetask."""
    certify_begin: datetime
    """Begin of the validity range, TAI, without a time zone."""
    certify_end: datetime
    """Its end, which is not part of it."""
    oods_timeout: float
    """Seconds from endReadout within which the OODS must confirm an exposure."""
    job_timeout: float
    """Seconds within which a job must end."""
    wait_between_exposures: float
    """Seconds."""
    known_bad_amplifiers: tuple[tuple[str, str], ...]
    """Names of detector and amplifier of those that the operator knows to be bad."""
    max_known_bad_amplifiers: int
    """How many of a detector may be left out, these and others."""
    annotations: Mapping[str, str | None]
    """For the headers of the images: program, reason and note; None leaves the keyword out."""
    ignore: tuple[str, ...]
    """Components of the telescope whose state is not checked before flats."""
    recorded: Mapping[str, Any]
    """Every option by its name, defaults filled in: for the journal and the summary, which keep all as it
    was given. What is done is decided by the other fields alone."""

    @classmethod
    def from_namespace(
        cls, namespace: SimpleNamespace | Mapping[str, Any], instrument: Instrument, day: int | None = None
    ) -> CalibrationConfig:
        """Make the configuration from options that comply with the schema.

        Parameters
        ----------
        namespace, instrument
            The options, as ``BaseScript.configure`` gets them (those that are absent have their default), and
            the instrument of the script.
        day
            As for `examine`.

        Returns
        -------
        config
            All options, typed.

        Raises
        ------
        ConfigurationError
            The options do not go together.
        """
        given = vars(namespace) if isinstance(namespace, SimpleNamespace) else namespace
        given = fill_in(given, _present_day() if day is None else day)
        standard = defaults(load_schema(instrument.name))
        if problems := rule_problems(given, standard, instrument):
            raise ConfigurationError(problems)
        return cls._from_checked({**standard, **given}, instrument)

    @classmethod
    def _from_checked(cls, options: Mapping[str, Any], instrument: Instrument) -> CalibrationConfig:
        """Make the configuration from all options, defaults filled in, in which no problem was found."""
        kinds = tuple(map(ImageType, options["script_mode"].split("_")))
        has_gains = options[PAIR_GAINS.option] and PAIR_GAINS.made_from in kinds
        return cls(
            images=MappingProxyType({kind: _image_set(options, kind) for kind in kinds}),
            filter=options["filter"],
            grating=options.get("grating"),  # a camera without spectrograph has no such option
            detectors=tuple(sorted(map(int, options["detectors"]))) or tuple(instrument.detectors),
            do_verify=options["do_verify"],
            generate_calibrations=options["generate_calibrations"],
            products=MappingProxyType(
                {each.name: _product_settings(options, each) for each in products() if options[each.option]}
            ),
            gains=_product_settings(options, CALIBRATIONS[PAIR_GAINS.settings_of]) if has_gains else None,
            calib_collection=options["calib_collection"],
            repo=options["repo"],
            n_processes=int(options["n_processes"]),
            certify_begin=datetime.fromisoformat(options[DATES[0]]),
            certify_end=datetime.fromisoformat(options[DATES[1]]),
            oods_timeout=float(options["oods_timeout"]),
            job_timeout=float(options["job_timeout"]),
            wait_between_exposures=float(options["wait_between_exposures"]),
            known_bad_amplifiers=tuple(
                dict.fromkeys(amplifier_named(each, instrument) for each in options["known_bad_amplifiers"])
            ),
            max_known_bad_amplifiers=int(options["max_known_bad_amplifiers"]),
            annotations=MappingProxyType({name: options[name] for name in ("program", "reason", "note")}),
            ignore=tuple(options.get("ignore", ())),
            recorded=MappingProxyType(copy.deepcopy(dict(options))),
        )

    @property
    def calibrations_to_make(self) -> tuple[str, ...]:
        """Names of the calibrations that are made and then certified, in the order in which they are made."""
        combined = [kind.value for kind in self.images] if self.generate_calibrations else []
        return (*combined, *self.products)

    @property
    def waives_verification(self) -> bool:
        """Whether the operator asks that what is made is certified unverified: both options must say so."""
        return self.generate_calibrations and not self.do_verify

    def as_dict(self) -> dict[str, Any]:
        """Every option by its name, defaults filled in; the caller's own copy."""
        return copy.deepcopy(dict(self.recorded))

    def validity_warning(self, now: float) -> str | None:
        """Warn if images of now would not find the calibrations that are certified.

        Parameters
        ----------
        now
            TAI, in seconds since 1970-01-01T00:00:00 TAI.

        Returns
        -------
        warning
            None if they would, or if nothing is certified.
        """
        tonight = datetime.fromtimestamp(now, UTC).replace(tzinfo=None)  # TAI: only its calendar is used
        if not self.calibrations_to_make or self.certify_begin <= tonight < self.certify_end:
            return None
        return (
            f"the validity range, {self.certify_begin} to {self.certify_end} TAI, does not contain tonight's"
            " images: they would not find what is certified"
        )

    def _notes(self, instrument: Instrument) -> Iterator[str]:
        """Say which components that are to be ignored are not looked at anyway."""
        looked_at = {name.lower() for name in instrument.states_for_flats}
        if others := [name for name in self.ignore if name not in looked_at]:
            yield f"ignore: {', '.join(others)} would not be looked at anyway"

    def _warnings(self, given: Mapping[str, Any]) -> Iterator[str]:
        """Warn of what is possible but may not be wanted; of a default range only if no date was given.

        What was given is as it was typed: the day is not filled in.
        """
        if self.waives_verification:
            yield (
                "do_verify is false: combined calibrations will be certified unverified, and recorded as such"
            )
        elif self.generate_calibrations:
            numbers = {kind: len(each.kept_times) for kind, each in self.images.items()}
            yield from (_few_images(kind, n) for kind, n in numbers.items() if n < FEW_IMAGES)
        if self.calibrations_to_make and not any(date in given for date in DATES):
            yield (
                f"{DATES[0]} and {DATES[1]} are not given: what is certified in {self.calib_collection}"
                f" will be valid from {self.certify_begin.date()} to {self.certify_end.date()}"
                f"{_for_every_day(self.calib_collection, str(given.get('calib_collection')))}"
            )
        most = self.max_known_bad_amplifiers
        for detector, n in Counter(detector for detector, _ in self.known_bad_amplifiers).items():
            if n > most:
                yield (
                    f"known_bad_amplifiers has {n} of {detector}: with more than max_known_bad_amplifiers,"
                    f" {most}, no verdict is positive"
                )
        if self.calibrations_to_make and "YYYY" in self.calib_collection:
            yield f"calib_collection: {show(self.calib_collection)} has a placeholder; is the date meant?"


@dataclass(frozen=True)
class Findings:
    """What a configuration text says, what is wrong with it, and what it means."""

    read: Mapping[str, Any]
    """The options as the text gives them."""
    misread: tuple[str, ...]
    """What is wrong with the text."""
    config: CalibrationConfig | None
    """What the options mean; None if there are errors."""
    text: str
    """The same as YAML that the base class reads as it is meant (dates in quotation marks, detectors as a
    list). Of use only if there are no errors."""
    errors: tuple[str, ...]
    """Every problem found; a script with one of them must not be run."""
    warnings: tuple[str, ...]
    """What is possible but may not be what is wanted."""
    notes: tuple[str, ...]
    """How a value was understood, where it was not given in the usual form."""
    daily: bool
    """Whether it means something else every day."""


def examine(
    text: str,
    schema: Mapping[str, Any],
    instrument: Instrument,
    day: int | None = None,
    collections: Sequence[str] | None = None,
) -> Findings:
    """Examine a configuration before anything is done with it.

    Parameters
    ----------
    text, schema, instrument
        What the operator typed (an empty text stands for all defaults), schema and instrument of the script.
    day
        Observing day that ``{day_obs}``, ``today`` and ``tomorrow`` refer to, YYYYMMDD; None: the present.
    collections
        All that there are, for ``{n}`` and for collections to search; None: their names stay open.

    Returns
    -------
    findings
        Never an exception, whatever the text.
    """
    read, misread = read_mapping(text)
    known, wrong, notes = compare(read, schema)
    given = fill_in(known, _present_day() if day is None else day, collections)
    standard = defaults(schema)
    errors = [*misread, *wrong.values()]
    errors += rule_problems(given, standard, instrument, unusable=wrong.keys())
    config = None if errors else CalibrationConfig._from_checked({**standard, **given}, instrument)
    idle = {option: instead for option, instead in WITHOUT_EFFECT.items() if read.get(option) is not None}
    notes += [f"{option} has no effect: {instead}" for option, instead in idle.items()]
    if config is not None:
        notes += config._notes(instrument)
    return Findings(
        read=read,
        misread=tuple(misread),
        config=config,
        text=yaml.safe_dump(given, sort_keys=False) if given else "",
        errors=_shown(errors),
        warnings=_shown([*config._warnings(known)] if config else []),
        notes=_shown(notes),
        daily=is_daily(known),
    )


def _present_day() -> int:
    return day_obs(time.time())  # without the leap seconds: the script, whose clock is TAI, gives the day


def _for_every_day(collection: str, asked: str) -> str:
    """Say which later runs cannot certify in a collection, as it was asked for, and what to write instead."""
    lines = [f"'{line}'" for line in daily_lines(collection)]
    which = "later run of that day" if DAY in asked else "later run"
    kept_out = f", so that no {which} can certify the same there"
    if NUMBER in asked:  # each run has a collection of its own
        lines, kept_out = lines[1:], ""
    return f"{kept_out}; for every day write {', '.join(lines)}"


def _few_images(kind: ImageType, n: int) -> str:
    if kind is ImageType.FLAT:
        # their noise has an upper limit only, and what it is compared with has no part of it
        noise = "cannot be measured" if n < _NOT_MEASURED else "says little"
        outcome = f"a flat made of so few takes up their noise, so that NOISE {noise}"
    else:
        outcome = f"NOISE {'will' if n < _SURE_TO_FAIL else 'may'} fail"
    images = "image is" if n == 1 else "images are"
    return (
        f"n_{kind.lower()}: {n} {images} too few: {outcome}; {RECOMMENDED_IMAGES} are recommended (DMTN-222)"
    )


def _image_set(options: Mapping[str, Any], kind: ImageType) -> ImageSet:
    name = CALIBRATIONS[kind].option_of
    n, n_discard = int(options[name("n")]), int(options[name("n_discard")])
    times = 0.0 if kind is ImageType.BIAS else options[name("exp_times")]
    return ImageSet(
        image_type=kind,
        n_discard=n_discard,
        exposure_times=times_per_exposure(times, n, n_discard),
        threshold=int(options[name("number_verification_tests_threshold")]),
        config_options=options[name("config_options")].strip(),
        input_collections=_collections(options[name("input_collections")]),
        verify_collections=_collections(options[name("input_collections_verify")]),
    )


def _product_settings(options: Mapping[str, Any], product: CalibrationType) -> _ProductSettings:
    return _ProductSettings(
        config_options=options[product.option_of("config_options")].strip(),
        input_collections=_collections(options[product.option_of("input_collections")]),
    )


def _collections(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _shown(remarks: Sequence[str]) -> tuple[str, ...]:
    """Remarks as they are shown: a bad text has thousands of problems, and repeats what cannot be shown."""
    shown = [plain(remark, _LONGEST) for remark in remarks[:MOST_PROBLEMS]]
    if len(remarks) > MOST_PROBLEMS:
        shown.append(f"there are {len(remarks) - MOST_PROBLEMS} more problems")
    return tuple(shown)
