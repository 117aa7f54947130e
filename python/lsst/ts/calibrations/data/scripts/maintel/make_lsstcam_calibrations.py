#!/usr/bin/env python
"""Take LSSTCam calibrations. The MTQueue starts ``make_lsstcam_calibrations.py INDEX [--schema]``."""

from lsst.ts.calibrations.queue_entry import choose_sal, run_from_queue

choose_sal()

from lsst.ts.calibrations.maintel import MakeLSSTCamCalibrations  # noqa: E402

run_from_queue(MakeLSSTCamCalibrations)
