from lsst.ts.simulated_observatory.control import RemoteGroup as RemoteGroup
