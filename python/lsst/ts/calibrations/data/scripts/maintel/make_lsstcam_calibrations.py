#!/usr/bin/env python
"""Take LSSTCam calibrations. The MTQueue starts ``make_lsstcam_calibrations.py INDEX [--schema]``."""

from lsst.ts.calibrations.maintel import MakeLSSTCamCalibrations
from lsst.ts.calibrations.queue_entry import run_from_queue

run_from_queue(MakeLSSTCamCalibrations)
