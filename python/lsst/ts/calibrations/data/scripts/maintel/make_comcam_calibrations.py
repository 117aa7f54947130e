#!/usr/bin/env python
"""Take LSSTComCam calibrations. The MTQueue starts ``make_comcam_calibrations.py INDEX [--schema]``."""

from lsst.ts.calibrations.maintel import MakeComCamCalibrations
from lsst.ts.calibrations.queue_entry import run_from_queue

run_from_queue(MakeComCamCalibrations)
