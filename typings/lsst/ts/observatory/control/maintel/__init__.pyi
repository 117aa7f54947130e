from lsst.ts.simulated_observatory.control import ComCam as ComCam
from lsst.ts.simulated_observatory.control import LSSTCam as LSSTCam
