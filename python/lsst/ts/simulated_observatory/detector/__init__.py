"""The simulated detector: from light to raw FITS files, with faults on demand."""
