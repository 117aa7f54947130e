from lsst.ts.simulated_observatory.embedded_sal.base_script import *
