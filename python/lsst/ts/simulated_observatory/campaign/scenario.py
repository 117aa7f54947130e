"""A scenario: what is asked of the script, what goes wrong, what the operator does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import yaml

from lsst.ts.calibrations.domain.instruments import INSTRUMENTS, ImageType, Instrument

from ..stand_ins.measurements import Disturbance
from .interruption import Act, Interruption

__all__ = ["Scenario"]


@dataclass(frozen=True)
class Scenario:
    """One scenario.

    Parameters
    ----------
    seed
        From which it was drawn; its place in a list of scenarios that were not drawn.
    instrument
        Whose calibrations.
    options
        Configuration of the script, as far as it is not the default.
    faults
        Specifications of what goes wrong.
    disturbances
        Noise of the detectors that comes and goes, by image type.
    interruption
        What the operator, or the machine, does to the script; None: nothing.
    resumed
        Whether a run that was interrupted is resumed, with nothing going wrong any more.
    """

    seed: int
    instrument: Instrument
    options: Mapping[str, Any]
    faults: tuple[str, ...] = ()
    disturbances: Mapping[ImageType, tuple[Disturbance, ...]] = field(default_factory=dict)
    interruption: Interruption | None = None
    resumed: bool = False

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], seed: int = 0) -> Scenario:
        """Make a scenario from what `as_dict` gives.

        Parameters
        ----------
        values
            Fields without the seed; what is not there is as nothing goes wrong.
        seed
            Of the scenario.

        Returns
        -------
        scenario
            That one.
        """
        interruption = values.get("interruption")
        return cls(
            seed,
            INSTRUMENTS[values["instrument"]],
            values["options"],
            tuple(values.get("faults", ())),
            {
                ImageType(kind): tuple(Disturbance(**each) for each in noise)
                for kind, noise in values.get("disturbances", {}).items()
            },
            interruption and Interruption(**{**interruption, "act": Act[interruption["act"]]}),
            values.get("resumed", False),
        )

    def as_dict(self) -> dict[str, Any]:
        """All but the seed, as YAML and JSON have it; what is empty is left out."""
        values: dict[str, Any] = {
            "instrument": self.instrument.name,
            "options": dict(self.options),
            "faults": list(self.faults),
            "disturbances": {
                kind.value: [asdict(each) for each in noise] for kind, noise in self.disturbances.items()
            },
            "interruption": self.interruption
            and {
                name: value
                for name, value in {**asdict(self.interruption), "act": self.interruption.act.name}.items()
                if value
            },
            "resumed": self.resumed,
        }
        return {name: value for name, value in values.items() if value}

    @property
    def text(self) -> str:
        """Configuration text."""
        return yaml.safe_dump(dict(self.options), sort_keys=False)

    def option(self, name: str, default: Any = False) -> Any:
        """Value of an option.

        Parameters
        ----------
        name
            Of the option.
        default
            Its default, as the schema has it.

        Returns
        -------
        value
            As the script gets it.
        """
        return self.options.get(name, default)

    @property
    def kinds(self) -> tuple[ImageType, ...]:
        """Image types that are asked for, in their order."""
        return tuple(kind for kind in ImageType if kind in str(self.options["script_mode"]).split("_"))

    @property
    def number(self) -> dict[ImageType, int]:
        """How many images of each type are to be kept, also of those that are not asked for."""
        return {kind: int(self.options[f"n_{kind.lower()}"]) for kind in ImageType}

    @property
    def discarded(self) -> dict[ImageType, int]:
        """How many images of each type are taken before those that are kept."""
        return {kind: int(self.options[f"n_discard_{kind.lower()}"]) for kind in ImageType}

    @property
    def images(self) -> int:
        """How many images are to be taken."""
        return sum(self.number[kind] + self.discarded[kind] for kind in self.kinds)

    def describe(self) -> str:
        """The scenario as YAML, to be read and to be kept among the examples."""
        return f"# seed {self.seed}\n{yaml.safe_dump(self.as_dict(), sort_keys=False, width=110)}"
