"""LATISS: gains and noise of obs_lsst policy/latiss/RXX.yaml (2021-03-18), the rest of raw headers."""

from __future__ import annotations

from lsst.ts.calibrations.domain.instruments import AMPLIFIERS

from .camera_data import ITL, CameraData, DetectorData, MountedFilter

__all__ = ["CAMERA"]

# Of the amplifiers C00 to C07, then C10 to C17: electron/adu and electron.
_GAINS = (
    *(1.0972, 1.0933, 1.0874, 1.0939, 1.0840, 1.1047, 1.1039, 1.1033),
    *(1.0811, 1.0470, 1.0795, 1.0810, 1.0644, 1.0669, 1.0795, 1.0560),
)
_READ_NOISE = (9.1, 9.9, 9.4, 9.1, 9.7, 10.3, 10.0, 8.5, 8.4, 8.5, 8.4, 8.6, 8.4, 8.4, 8.4, 8.0)

CAMERA = CameraData(
    butler_class="Latiss",
    detectors={
        0: DetectorData(
            name="RXX_S00",
            serial="ITL-3800C-068",
            bay="R00",
            slot="S00",
            raft="AuxTel-Raft",
            sensor=ITL,
            raft_origin=(125, 89),
            focal_plane_origin=(12700, 0),
            amplifiers=dict(zip(AMPLIFIERS, zip(_GAINS, _READ_NOISE, strict=True), strict=True)),
        )
    },
    keywords={
        "INSTRUME": "LATISS",
        "TELESCOP": "LSST AuxTelescope",
        "CAMCODE": "AT",
        "PLATFORM": "auxtel",
        "DAQPART": "lat",
        "CCD_SERN": "20862",
        "CCDTEMP": -101.0,
        "TEMP_SET": -104.15,
        "OBS-LONG": -70.7476862,
        "OBS-LAT": -30.2447889,
        "OBS-ELEV": 2663.0,
        "OBSGEO-X": 1819093.52,
        "OBSGEO-Y": -5208408.1,
        "OBSGEO-Z": 3195186.45,
        **dict.fromkeys(("AHAEND", "AELEND", "AAZEND", "AAMEND", "INSTPORT", "ATM3PORT", "DOMEAZ")),
        **dict.fromkeys(("SHUTLOWR", "SHUTUPPR")),
        "SIMULATE ATCAMERA": 1,
        "SIMULATE ATSPECTROGRAPH": 1,
        **dict.fromkeys(("SIMULATE ATMCS", "SIMULATE ATHEXAPOD", "SIMULATE ATPNEUMATICS", "SIMULATE ATDOME")),
    },
    sequencers={"ITL": ("FP_ITL_2s_ir2_v26_no_RG.seq", "1477162166")},
    # What the weekly flats of the procedure need; the y filter is mounted in the grating wheel.
    filters=(
        MountedFilter("empty_1", "EMPTY", 0),
        MountedFilter("SDSSg_65mm", "g", 1, wavelength=476.4),
        MountedFilter("SDSSr_65mm", "r", 2, wavelength=622.3),
        MountedFilter("SDSSz_65mm", "z", 3, wavelength=905.0),
    ),
    change_time=4.0,
    gratings=(
        MountedFilter("empty_1", "EMPTY", 0),
        MountedFilter("holo4_003", "EMPTY", 1),
        MountedFilter("blue300lpmm_qn1", "EMPTY", 2),
        MountedFilter("SDSSy_65mm", "y", 3, wavelength=1004.0),
    ),
    # From the exposure times of the weekly flats (g and r 6 s, z 3 s, y 30 s, empty 1 s) for those filters,
    # estimates for the others.
    filter_throughput={
        "empty": 6.0,
        "blank_bk7_wg05": 5.5,
        "diffuser": 4.0,
        "collimator": 5.0,
        "cyl_lens": 5.0,
        "unknown": 1.0,
        "KPNO_1111_436nm": 0.1,
        "KPNO_373A_677nm": 0.15,
        "KPNO_406_828nm": 0.2,
        "quadnotch1": 0.3,
        "RG610": 3.5,
        **dict.fromkeys(("BG40", "BG40_65mm_1", "BG40_65mm_2"), 2.0),
        **dict.fromkeys(("OG550_65mm_1", "OG550_65mm_2", "FELH0600"), 4.0),
        "SDSSu_65mm": 0.05,
        **dict.fromkeys(("SDSSg", "SDSSr", "SDSSg_65mm", "SDSSr_65mm"), 1.0),
        **dict.fromkeys(("SDSSi", "SDSSi_65mm"), 1.5),
        "SDSSz_65mm": 2.0,
        "SDSSy_65mm": 0.2,
    },
    grating_throughput={
        **dict.fromkeys(("empty", "unknown"), 1.0),
        **dict.fromkeys(("ronchi90lpmm", "ronchi170lpmm"), 0.8),
        **dict.fromkeys(("holo4_001", "holo4_003", "blue300lpmm_qn1"), 0.7),
        "pinhole_1_1000": 0.1,
        "pinhole_1_0500": 0.05,
        "pinhole_1_0200": 0.02,
        "pinhole_1_0100": 0.01,
    },
)
