"""LSSTCam: its science detectors; medians of gain and noise, and serial numbers: obs_lsst policy/lsstCam."""

from __future__ import annotations

from collections.abc import Mapping

from .camera_data import E2V, ITL_LSSTCAM, CameraData, MountedFilter
from .rafts import FILTER_THROUGHPUT, KEYWORDS, RaftKind, raft_detectors

__all__ = ["CAMERA"]

_ITL = RaftKind(ITL_LSSTCAM, 1.67, 6.4)
_E2V = RaftKind(E2V, 1.48, 5.4)

_RAFTS: Mapping[str, tuple[RaftKind, str, str]] = {
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
"""Kind, serial number of the raft (LCA-11021_RTM-...) and of its CCDs S00 to S22."""

CAMERA = CameraData(
    butler_class="LsstCam",
    detectors=dict(
        enumerate(data for bay, raft in _RAFTS.items() for data in raft_detectors("LSSTCam", bay, *raft))
    ),
    keywords={
        **KEYWORDS,
        "INSTRUME": "lsstCam",
        "CAMCODE": "MC",
        "PLATFORM": "lsstcam",
        "DAQPART": "camera",
        "SIMULATE MTCAMERA": 1,
    },
    sequencers={
        "ITL": ("FP_ITL_2s_ir2_v26.seq", "980618532"),
        "E2V": ("FP_E2V_2s_ir2_v26.seq", "1010041586"),
    },
    # Place and position of i_39 and r_57, and the position of y_10, are those of real headers, the others are
    # invented.
    filters=(
        MountedFilter("z_20", "z", 1, position=305.0),
        MountedFilter("i_39", "i", 2, position=309.0),
        MountedFilter("g_6", "g", 3, position=312.0),
        MountedFilter("y_10", "y", 4, position=287.0),
        MountedFilter("r_57", "r", 5, position=314.0),
    ),
    change_time=90.0,
    filter_throughput=FILTER_THROUGHPUT,
)
