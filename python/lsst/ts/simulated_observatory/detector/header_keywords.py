"""Keywords of the primary headers that are the same in all images of a camera."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["ALWAYS", "INSTRUMENT_KEYWORDS", "SEQUENCERS", "HeaderValue"]

HeaderValue = str | float | int | bool | None

_NOT_KNOWN = (
    *("RA", "DEC", "RASTART", "DECSTART", "RAEND", "DECEND", "ROTPA", "ROTCOORD"),
    *("HASTART", "ELSTART", "AZSTART", "AMSTART", "TRACKSYS", "RADESYS", "FOCUSZ"),
    *("VIGNETTE", "VIGN_MIN", "AIRTEMP", "PRESSURE", "HUMIDITY", "WINDSPD", "WINDDIR", "SEEING", "TSTAND"),
)
"""Keywords of pointing, telescope, dome and weather, which the simulated observatory does not have."""

ALWAYS: Mapping[str, HeaderValue] = {
    "COMMENT": "Simulated image, made by lsst.ts.calibrations.",
    "BUNIT": "adu",
    "FACILITY": "Vera C. Rubin Observatory",
    "HEADVER": 2,
    **dict.fromkeys(_NOT_KNOWN),
}
"""Keywords of all cameras."""

_LATISS: Mapping[str, HeaderValue] = {
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
    "SIMULATE ATMCS": None,
    "SIMULATE ATHEXAPOD": None,
    "SIMULATE ATPNEUMATICS": None,
    "SIMULATE ATDOME": None,
}

_SIMONYI: Mapping[str, HeaderValue] = {
    "TELESCOP": "Simonyi Survey Telescope",
    "CCD_SERN": None,
    "OBS-LONG": -70.749417,
    "OBS-LAT": -30.244639,
    "OBS-ELEV": 2663.0,
    "OBSGEO-X": 1818938.94,
    "OBSGEO-Y": -5208470.95,
    "OBSGEO-Z": -3195172.08,
    **dict.fromkeys(("HAEND", "ELEND", "AZEND", "AMEND")),
    "SIMULATE MTMOUNT": None,
    "SIMULATE MTM1M3": None,
    "SIMULATE MTM2": None,
    "SIMULATE CAMHEXAPOD": None,
    "SIMULATE M2HEXAPOD": None,
    "SIMULATE MTROTATOR": None,
    "SIMULATE MTDOME": None,
    "SIMULATE MTDOMETRAJECTORY": None,
}

INSTRUMENT_KEYWORDS: Mapping[str, Mapping[str, HeaderValue]] = {
    "LATISS": _LATISS,
    "LSSTComCam": {
        **_SIMONYI,
        "INSTRUME": "ComCam",
        "CAMCODE": "CC",
        "PLATFORM": "comcam",
        "DAQPART": "comcam",
        "SIMULATE CCCAMERA": 1,
    },
    "LSSTCam": {
        **_SIMONYI,
        "INSTRUME": "lsstCam",
        "CAMCODE": "MC",
        "PLATFORM": "lsstcam",
        "DAQPART": "camera",
        "SIMULATE MTCAMERA": 1,
    },
}
"""Keywords by instrument. Readers take any SIMULATE keyword that is true as the mark of simulated content;
components that the simulated observatory does not have have no value."""

SEQUENCERS: Mapping[tuple[str, str], tuple[str, str]] = {
    ("LATISS", "ITL"): ("FP_ITL_2s_ir2_v26_no_RG.seq", "1477162166"),
    ("LSSTComCam", "ITL"): ("FP_ITL_2s_ir2_v26.seq", "980618532"),
    ("LSSTCam", "ITL"): ("FP_ITL_2s_ir2_v26.seq", "980618532"),
    ("LSSTCam", "E2V"): ("FP_E2V_2s_ir2_v26.seq", "1010041586"),
}
"""Name and checksum of the program that reads the CCDs out, by instrument and vendor."""
