from lsst.ts.simulated_observatory.control import BaseCamera as BaseCamera
