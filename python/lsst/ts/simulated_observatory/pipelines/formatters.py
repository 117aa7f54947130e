"""How the Butler reads and writes raw images, images and tables."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from lsst.daf.butler import FormatterV2
from lsst.resources import ResourcePath

from .calibration_memory import remembered
from .headers import identity, metadata_table, read_metadata, set_keywords
from .images import Amplifier, DetectorImage, Key, MaskPlane
from .layouts import former_table, read_table, write_table
from .raws import RawImage, read_raw
from .tables import Table

__all__ = ["ImageFormatter", "RawFormatter", "TableFormatter"]


class _LocalFileFormatter(FormatterV2):
    """Reads a whole file that is on a local disk."""

    can_read_from_local_file = True

    def read_from_local_file(self, path: str, component: str | None = None, expected_size: int = -1) -> Any:
        whole = not self.file_descriptor.parameters
        if whole and self.dataset_ref.datasetType.isCalibration():
            return remembered(path, lambda: self._read(path))
        return self._read(path)

    def _read(self, path: str) -> Any:
        """Content of the file."""
        raise NotImplementedError

    def write_local_file(self, in_memory_dataset: Any, uri: ResourcePath) -> None:
        """Write a dataset to a file on a local disk, see `FormatterV2`."""
        raise NotImplementedError


class RawFormatter(_LocalFileFormatter):
    """Reads raw images; the camera system writes them."""

    default_extension = ".fits"

    def _read(self, path: str) -> RawImage:
        return read_raw(path)


class ImageFormatter(_LocalFileFormatter):
    """Images as FITS: IMAGE, MASK and, of combinations, VARIANCE as in afw; amplifiers and metadata.

    With the parameter ``rows``, a pair (first, last + 1), only these rows are read. The variance is mapped
    into memory, and thus read when it is used.
    """

    default_extension = ".fits"

    def _read(self, path: str) -> DetectorImage:
        first, stop = (self.file_descriptor.parameters or {}).get("rows", (0, None))
        with fits.open(path, memmap=False) as hdus:
            amplifiers = [Amplifier(*row) for row in hdus["AMPLIFIERS"].data.tolist()]
            image, mask = (
                hdus[name].section[first:stop] if stop is not None else hdus[name].data
                for name in ("IMAGE", "MASK")
            )
            variance = None
            if "VARIANCE" in hdus:
                place = hdus["VARIANCE"].fileinfo()["datLoc"]
                shape = hdus["VARIANCE"].shape
                variance = np.memmap(path, dtype=">f4", mode="r", offset=place, shape=shape)[first:stop]
            return DetectorImage(
                np.asarray(image, dtype=np.float32),
                np.asarray(mask, dtype=np.uint16),
                {amplifier.name: amplifier for amplifier in amplifiers},
                read_metadata(hdus["METADATA"]),
                variance,
            )

    def write_local_file(self, in_memory_dataset: DetectorImage, uri: ResourcePath) -> None:
        """Write an image."""
        image = in_memory_dataset
        primary = fits.PrimaryHDU()
        keywords = dict(image.metadata)
        if image.variance is not None:  # a combined image: which detector it is of, and of flats the filter
            detector = str(image.metadata.get(Key.DETECTOR_NAME, ""))
            keywords |= identity(detector, self.data_id.mapping, image.metadata)
            keywords = {key: value for key, value in keywords.items() if key != "FILTER" or value}
        set_keywords(primary.header, keywords)
        numbers = [(key, np.int32) for key in ("X0", "Y0", "WIDTH", "HEIGHT")]
        kind = [("NAME", "U8"), *numbers, ("FLIPX", "?"), ("FLIPY", "?")]
        rows = [astuple(amplifier) for amplifier in image.amplifiers.values()]
        amplifiers = fits.BinTableHDU(np.array(rows, dtype=kind), name="AMPLIFIERS")
        tables = [amplifiers, metadata_table(image.metadata)]
        fits.HDUList([primary, *_planes(image), *tables]).writeto(uri.ospath, overwrite=True)


class TableFormatter(_LocalFileFormatter):
    """Tables as FITS, in the layouts of ip_isr; JSON of earlier versions is read as well."""

    default_extension = ".fits"
    supported_extensions = frozenset({".fits", ".json"})

    def _read(self, path: str) -> Table:
        kind: type[Table] = self.file_descriptor.storageClass.pytype
        if path.endswith(".json"):
            return former_table(kind, json.loads(Path(path).read_text(encoding="utf-8")))
        return read_table(kind, path)

    def write_local_file(self, in_memory_dataset: Table, uri: ResourcePath) -> None:
        """Write a table."""
        write_table(in_memory_dataset, self.data_id.mapping, uri.ospath)


def _planes(image: DetectorImage) -> list[fits.ImageHDU]:
    """Image, mask and variance with the keywords of afw; those of the mask say which bit is which plane."""
    planes = {"IMAGE": image.image, "MASK": image.mask.astype(np.uint8)}
    units = {"IMAGE": image.unit}
    if image.variance is not None:
        planes["VARIANCE"] = np.asarray(image.variance, dtype=np.float32)
        units["VARIANCE"] = image.unit if image.unit == "1" else f"{image.unit}**2"
    hdus = []
    for name, pixels in planes.items():
        hdu = fits.ImageHDU(pixels, name=name)
        set_keywords(hdu.header, {"INHERIT": True, "EXTTYPE": name, "BUNIT": units.get(name)})
        hdus.append(hdu)
    bits = {f"MP_{plane.name}": int(plane).bit_length() - 1 for plane in MaskPlane}
    set_keywords(hdus[1].header, bits)
    return hdus
