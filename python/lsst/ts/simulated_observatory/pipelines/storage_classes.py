"""Storage classes of the pipelines, as a Butler repository's configuration declares them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lsst.daf.butler import Config

__all__ = [
    "CROSSTALK",
    "CURVE",
    "DEFECTS",
    "IMAGE",
    "LINEARIZER",
    "RAW",
    "RESULTS",
    "STATISTICS",
    "repository_config",
]

RAW = "CalibrationRaw"
IMAGE = "CalibrationImage"
CURVE = "CalibrationPhotonTransferCurve"
DEFECTS = "CalibrationDefects"
CROSSTALK = "CalibrationCrosstalk"
LINEARIZER = "CalibrationLinearizer"

STATISTICS = "StructuredDataDict"
"""Nested dictionaries, written as YAML; one of the Butler's own."""

RESULTS = "ArrowAstropy"
"""Tables, as cp_verify's; one of the Butler's own."""

_HERE = __name__.rpartition(".")[0]

_TYPES = {
    RAW: "raws.RawImage",
    IMAGE: "images.DetectorImage",
    CURVE: "tables.PhotonTransferCurve",
    DEFECTS: "tables.Defects",
    CROSSTALK: "tables.Crosstalk",
    LINEARIZER: "tables.Linearizer",
}

_FORMATTERS = {RAW: "formatters.RawFormatter", IMAGE: "formatters.ImageFormatter"}


def repository_config() -> Config:
    """Configuration to make a repository with.

    The names differ from the Butler's own storage classes for the same things, which cannot be redefined and
    whose Python types need the Rubin software stack.
    """
    from lsst.daf.butler import Config

    classes: dict[str, dict[str, object]] = {
        name: {"pytype": f"{_HERE}.{where}"} for name, where in _TYPES.items()
    }
    classes[IMAGE]["parameters"] = ["rows"]
    formatters = {name: f"{_HERE}.{_FORMATTERS.get(name, 'formatters.TableFormatter')}" for name in _TYPES}
    formatters[STATISTICS] = f"{_HERE}.statistics_formatter.StatisticsFormatter"
    formatters[RESULTS] = f"{_HERE}.results_formatter.ResultsFormatter"
    return Config({"storageClasses": classes, "datastore": {"formatters": formatters}})
