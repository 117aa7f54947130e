"""LSSTComCam: medians of gain and noise of obs_lsst policy/comCam/R22.yaml; not the R22 of LSSTCam."""

from __future__ import annotations

from .camera_data import ITL_COMCAM, CameraData, MountedFilter
from .rafts import FILTER_THROUGHPUT, KEYWORDS, RaftKind, raft_detectors

__all__ = ["CAMERA"]

_SERIALS = "229 251 215 326 283 243 319 209 206"

CAMERA = CameraData(
    butler_class="LsstComCam",
    detectors=dict(
        enumerate(raft_detectors("LSSTComCam", "R22", RaftKind(ITL_COMCAM, 1.381, 7.9), "031", _SERIALS))
    ),
    keywords={
        **KEYWORDS,
        "INSTRUME": "ComCam",
        "CAMCODE": "CC",
        "PLATFORM": "comcam",
        "DAQPART": "comcam",
        "SIMULATE CCCAMERA": 1,
    },
    sequencers={"ITL": ("FP_ITL_2s_ir2_v26.seq", "980618532")},
    # Place and position of g_01 are those of real headers, the others are invented.
    filters=(
        MountedFilter("i_06", "i", 1, position=71955.0),
        MountedFilter("r_03", "r", 2, position=38189.0),
        MountedFilter("g_01", "g", 3, position=4423.07),
    ),
    change_time=20.0,
    filter_throughput=FILTER_THROUGHPUT,
)
