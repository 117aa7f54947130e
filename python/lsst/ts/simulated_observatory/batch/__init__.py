"""Jobs of the simulated OCPS on the observatory's batch system: ``lsst.ctrl.bps`` with its Parsl plug-in."""
