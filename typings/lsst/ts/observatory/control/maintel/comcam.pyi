from lsst.ts.simulated_observatory.control import ComCam as ComCam
