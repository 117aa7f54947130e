"""What the cameras of the Simonyi Survey Telescope have in common: rafts of nine CCDs, filters, keywords."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, SLOTS

from .camera_data import DetectorData, HeaderValue, SensorData

__all__ = ["FILTER_THROUGHPUT", "KEYWORDS", "RaftKind", "raft_detectors"]

_CCD_PITCH, _RAFT_PITCH = 4225, 12700
"""From one CCD of a raft to the next, and from one raft to the next, pixels."""

_FIRST_CCD = {"ITL": (125.0, 89.0), "E2V": (122.5, 77.0)}
"""Pixels in parallel and serial direction from the corner of a raft to its CCD S00, by vendor; this and both
pitches come from the coordinates in the raw headers."""

_GAIN_SPREAD, _NOISE_SPREAD = 0.05, 0.08
"""Greatest relative deviation of an amplifier from the median of its camera and vendor: about what 90 % of
them have in the policy files."""

_BAND_THROUGHPUT = {"u": 0.05, "g": 1.0, "r": 1.0, "i": 1.5, "z": 2.0, "y": 0.2}

FILTER_THROUGHPUT: Mapping[str, float] = {
    name: _BAND_THROUGHPUT[name[0]]
    for name in (
        *("u_02", "u_05", "u_06", "u_24", "g_01", "g_07", "g_6", "r_03", "r_57"),
        *("i_06", "i_39", "z_02", "z_03", "z_20", "y_04", "y_10"),
    )
}
"""Light relative to SDSSr_65mm: these filters pass as much as those of LATISS in the same band."""

KEYWORDS: Mapping[str, HeaderValue] = {
    "TELESCOP": "Simonyi Survey Telescope",
    "CCD_SERN": None,
    "OBS-LONG": -70.749417,
    "OBS-LAT": -30.244639,
    "OBS-ELEV": 2663.0,
    "OBSGEO-X": 1818938.94,
    "OBSGEO-Y": -5208470.95,
    "OBSGEO-Z": -3195172.08,
    **dict.fromkeys(("HAEND", "ELEND", "AZEND", "AMEND")),
    **dict.fromkeys(("SIMULATE MTMOUNT", "SIMULATE MTM1M3", "SIMULATE MTM2", "SIMULATE CAMHEXAPOD")),
    **dict.fromkeys(("SIMULATE M2HEXAPOD", "SIMULATE MTROTATOR")),
    **dict.fromkeys(("SIMULATE MTDOME", "SIMULATE MTDOMETRAJECTORY")),
}
"""Keywords of all primary headers."""


@dataclass(frozen=True)
class RaftKind:
    """CCDs of one vendor in one camera.

    Parameters
    ----------
    sensor, gain, read_noise
        Their kind, and medians over all amplifiers, electron/adu and electron.
    """

    sensor: SensorData
    gain: float
    read_noise: float


def raft_detectors(
    instrument: str, bay: str, kind: RaftKind, raft: str, serials: str
) -> Iterator[DetectorData]:
    """Data of the nine CCDs of a raft.

    Parameters
    ----------
    instrument, bay, kind
        Name in the Butler, place of the raft, e.g. ``R22``, and kind of its CCDs.
    raft, serials
        Serial number of the raft (LCA-11021_RTM-...), and those of its CCDs S00 to S22, separated by blanks.

    Yields
    ------
    data
        Of each CCD, in the order of the detector ids.
    """
    first = _FIRST_CCD[kind.sensor.vendor]
    for slot, serial in zip(SLOTS, serials.split(), strict=True):
        name = f"{bay}_{slot}"
        yield DetectorData(
            name=name,
            serial=f"{kind.sensor.vendor}-{kind.sensor.device}-{serial}",
            bay=bay,
            slot=slot,
            raft=f"LCA-11021_RTM-{raft}",
            sensor=kind.sensor,
            raft_origin=(first[0] + _CCD_PITCH * int(slot[1]), first[1] + _CCD_PITCH * int(slot[2])),
            focal_plane_origin=(float(_RAFT_PITCH * int(bay[1])), float(_RAFT_PITCH * int(bay[2]))),
            amplifiers={each: _amplifier(kind, f"{instrument} {name} {each}") for each in AMPLIFIERS},
        )


def _amplifier(kind: RaftKind, key: str) -> tuple[float, float]:
    """Gain and read noise near the median; the same name always has the same."""
    return (
        round(kind.gain * (1.0 + _GAIN_SPREAD * _deviation(f"{key} gain")), 4),
        round(kind.read_noise * (1.0 + _NOISE_SPREAD * _deviation(f"{key} noise")), 2),
    )


def _deviation(key: str) -> float:
    """A number between -1 and 1 that depends on the key alone."""
    return zlib.crc32(key.encode()) / 0x7FFFFFFF - 1.0
