from lsst.ts.simulated_observatory.control import LSSTCam as LSSTCam
