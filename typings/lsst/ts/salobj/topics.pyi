from lsst.ts.simulated_observatory.embedded_sal.topics import *
