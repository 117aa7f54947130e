from lsst.ts.simulated_observatory.control import LATISS as LATISS
