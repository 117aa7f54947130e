from lsst.ts.simulated_observatory.embedded_sal import AckCmdDataType as AckCmdDataType
from lsst.ts.simulated_observatory.embedded_sal import BaseMsgType as BaseMsgType
