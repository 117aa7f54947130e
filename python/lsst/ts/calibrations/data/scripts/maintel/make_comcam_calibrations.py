#!/usr/bin/env python
"""Take LSSTComCam calibrations. The MTQueue starts ``make_comcam_calibrations.py INDEX [--schema]``."""

from lsst.ts.calibrations.queue_entry import choose_sal, run_from_queue

choose_sal()

from lsst.ts.calibrations.maintel import MakeComCamCalibrations  # noqa: E402

run_from_queue(MakeComCamCalibrations)
