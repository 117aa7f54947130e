"""The rafts of LSSTComCam and LSSTCam: nine CCDs each, in three rows of three."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS, SLOTS

from .sensors import E2V, ITL_COMCAM, ITL_LSSTCAM, DetectorData, SensorData

__all__ = ["COMCAM_DETECTORS", "LSSTCAM_DETECTORS"]

CCD_PITCH = 4225
"""From one CCD of a raft to the next, pixels."""

RAFT_PITCH = 12700
"""From one raft to the next, pixels."""

FIRST_CCD = {"ITL": (125.0, 89.0), "E2V": (122.5, 77.0)}
"""Pixels in parallel and serial direction from the corner of a raft to its CCD S00, by vendor; this and both
pitches come from the coordinates in the raw headers."""

GAIN_SPREAD, NOISE_SPREAD = 0.05, 0.08
"""Greatest relative deviation of an amplifier from the median of its camera and vendor: about what 90 % of
them have in the policy files."""


@dataclass(frozen=True)
class _Kind:
    """CCDs of one vendor in one camera: medians of gain (electron/adu) and read noise (electron)."""

    sensor: SensorData
    gain: float
    read_noise: float


_COMCAM = _Kind(ITL_COMCAM, 1.381, 7.9)
_ITL = _Kind(ITL_LSSTCAM, 1.67, 6.4)
_E2V = _Kind(E2V, 1.48, 5.4)
"""Medians of obs_lsst policy/comCam/R22.yaml and policy/lsstCam."""

_LSSTCAM_RAFTS: Mapping[str, tuple[_Kind, str, str]] = {
    "R01": (_ITL, "011", "083 226 136 034 072 095 164 227 231"),
    "R02": (_ITL, "013", "269 261 205 160 244 157 423 318 376"),
    "R03": (_ITL, "017", "342 210 467 432 454 451 088 461 458"),
    "R10": (_ITL, "023", "466 040 167 223 350 438 377 446 207"),
    "R11": (_E2V, "020", "319 321 359 364 357 363 350 365 361"),
    "R12": (_E2V, "009", "136 267 196 244 269 270 284 287 265"),
    "R13": (_E2V, "019", "322 331 334 349 340 186 170 336 346"),
    "R14": (_E2V, "006", "229 225 141 221 131 190 211 192 217"),
    "R20": (_ITL, "014", "307 325 427 361 440 411 225 455 407"),
    "R21": (_E2V, "025", "395 367 384 391 366 392 393 402 300"),
    "R22": (_E2V, "024", "369 372 378 356 382 383 388 360 370"),
    "R23": (_E2V, "005", "220 239 154 165 130 153 163 216 252"),
    "R24": (_E2V, "008", "160 411 256 253 194 231 224 189 134"),
    "R30": (_E2V, "012", "237 281 234 358 251 149 166 214 228"),
    "R31": (_E2V, "007", "260 182 175 167 195 201 222 213 177"),
    "R32": (_E2V, "015", "293 187 238 245 386 247 261 286 129"),
    "R33": (_E2V, "010", "266 268 200 273 179 263 226 264 137"),
    "R34": (_E2V, "016", "140 314 302 298 305 318 304 301 311"),
    "R41": (_ITL, "021", "478 502 355 508 470 358 443 161 317"),
    "R42": (_ITL, "018", "138 140 480 019 110 014 509 510 486"),
    "R43": (_ITL, "022", "080 506 450 396 203 476 166 313 076"),
}
"""Kind, serial number of the raft (LCA-11021_RTM-...) and of its CCDs S00 to S22: obs_lsst policy/lsstCam."""


def _raft(instrument: str, bay: str, kind: _Kind, raft: str, serials: str) -> Iterator[DetectorData]:
    """The nine CCDs of a raft; bay and slot names tell their places."""
    first = FIRST_CCD[kind.sensor.vendor]
    for slot, serial in zip(SLOTS, serials.split(), strict=True):
        name = f"{bay}_{slot}"
        yield DetectorData(
            name=name,
            serial=f"{kind.sensor.vendor}-{kind.sensor.device}-{serial}",
            bay=bay,
            slot=slot,
            raft=f"LCA-11021_RTM-{raft}",
            sensor=kind.sensor,
            raft_origin=(first[0] + CCD_PITCH * int(slot[1]), first[1] + CCD_PITCH * int(slot[2])),
            focal_plane_origin=(float(RAFT_PITCH * int(bay[1])), float(RAFT_PITCH * int(bay[2]))),
            amplifiers={each: _amplifier(kind, f"{instrument} {name} {each}") for each in AMPLIFIERS},
        )


def _amplifier(kind: _Kind, key: str) -> tuple[float, float]:
    """Gain and read noise near the median; the same name always has the same."""
    return (
        round(kind.gain * (1.0 + GAIN_SPREAD * _deviation(f"{key} gain")), 4),
        round(kind.read_noise * (1.0 + NOISE_SPREAD * _deviation(f"{key} noise")), 2),
    )


def _deviation(key: str) -> float:
    """A number between -1 and 1 that depends on the key alone."""
    return zlib.crc32(key.encode()) / 0x7FFFFFFF - 1.0


COMCAM_DETECTORS: Mapping[int, DetectorData] = dict(
    enumerate(_raft("LSSTComCam", "R22", _COMCAM, "031", "229 251 215 326 283 243 319 209 206"))
)
"""LSSTComCam by Butler detector id: its raft R22 is another one than that of LSSTCam."""

LSSTCAM_DETECTORS: Mapping[int, DetectorData] = dict(
    enumerate(data for bay, raft in _LSSTCAM_RAFTS.items() for data in _raft("LSSTCam", bay, *raft))
)
"""The science detectors of LSSTCam by Butler detector id."""
