"""Kinds of faults of what takes images and ingests them."""

from __future__ import annotations

from .options import COMPONENT, DETECTOR, IMAGE, SECONDS, TIMES, FaultKind, Option, counted, step

__all__ = ["FAULTS_OF_IMAGES"]

_OF_IMAGE = {"image": IMAGE, "times": TIMES}
_OF_FILE = {"image": IMAGE, "detector": DETECTOR, "times": TIMES}


FAULTS_OF_IMAGES = (
    FaultKind(
        "component-state",
        "a component is not ENABLED when the run begins",
        {
            "component": COMPONENT,
            "state": Option("its state", str.upper, required=True, choices=("STANDBY", "DISABLED", "FAULT")),
        },
    ),
    FaultKind("component-absent", "a component does not run at all", {"component": COMPONENT}),
    FaultKind("take-images-refused", "the camera refuses takeImages", _OF_IMAGE),
    FaultKind("take-images-silent", "the camera neither takes an image nor answers takeImages", _OF_IMAGE),
    FaultKind("camera-fault", "the camera goes to FAULT when an image has been read out", _OF_IMAGE),
    FaultKind("end-readout-lost", "an endReadout is never published", _OF_IMAGE),
    FaultKind("end-readout-late", "an endReadout comes late", {**_OF_IMAGE, "seconds": SECONDS}),
    FaultKind("end-readout-duplicated", "an endReadout is published twice", _OF_IMAGE),
    FaultKind("end-readout-reordered", "an endReadout comes after that of the image after", _OF_IMAGE),
    FaultKind("oods-lost", "an imageInOODS is never published, though the file is ingested", _OF_FILE),
    FaultKind("oods-late", "an imageInOODS comes late", {**_OF_FILE, "seconds": SECONDS}),
    FaultKind("oods-duplicated", "an imageInOODS is published twice", _OF_FILE),
    FaultKind(
        "oods-status",
        "a file is not ingested, and imageInOODS says so",
        {**_OF_FILE, "code": Option("statusCode", counted, default=1)},
    ),
    FaultKind(
        "oods-foreign",
        "an imageInOODS of an image that nobody here has taken comes in the place of that of an image; its"
        " own one comes never",
        _OF_FILE,
    ),
    FaultKind(
        "oods-one-detector",
        "imageInOODS comes for the first detector of the camera alone",
        _OF_IMAGE,
    ),
    FaultKind(
        "run-disk-full",
        "the disk of the run directory is full from the begin of an image on",
        {"image": IMAGE, "times": Option("how often it strikes", counted, default=1)},
    ),
    FaultKind(
        "clock-step",
        "TAI jumps at the begin of an image",
        {
            "image": IMAGE,
            "seconds": Option("by how much, s; less than 0 for backwards", step, default=-37.0),
            "times": Option("how often it strikes", counted, default=1),
        },
    ),
)
"""Faults of components in general, of the camera, of the OODS and of the machine."""
