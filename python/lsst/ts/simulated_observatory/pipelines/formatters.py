"""How the Butler reads and writes raw images, images and tables."""

from __future__ import annotations

import json
import math
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from lsst.daf.butler import FormatterV2
from lsst.resources import ResourcePath

from .images import Amplifier, DetectorImage
from .raws import RawImage, read_raw
from .tables import Table

__all__ = ["ImageFormatter", "RawFormatter", "TableFormatter"]

_HEADER_KEYS = ("INSTRUME", "OBSID", "DATE-BEG", "DATE-END", "EXPTIME", "DARKTIME", "FILTER", "GRATING")
"""Metadata that the primary header of a stored image repeats, for tools that look only there."""


class _LocalFileFormatter(FormatterV2):
    """Reads a whole file that is on a local disk."""

    can_read_from_local_file = True

    def read_from_local_file(self, path: str, component: str | None = None, expected_size: int = -1) -> Any:
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
    """Images as FITS: image and mask as plain arrays, amplifiers and metadata as tables.

    With the parameter ``rows``, a pair (first, last + 1), only these rows are read.
    """

    default_extension = ".fits"

    def _read(self, path: str) -> DetectorImage:
        with fits.open(path, memmap=False) as hdus:
            metadata = {key: json.loads(value) for key, value in hdus["METADATA"].data.tolist()}
            amplifiers = [Amplifier(*row) for row in hdus["AMPLIFIERS"].data.tolist()]
            first, stop = (self.file_descriptor.parameters or {}).get("rows", (0, None))
            image, mask = (
                hdus[name].section[first:stop] if stop is not None else hdus[name].data
                for name in ("IMAGE", "MASK")
            )
            return DetectorImage(
                np.asarray(image, dtype=np.float32),
                np.asarray(mask, dtype=np.uint16),
                {amplifier.name: amplifier for amplifier in amplifiers},
                metadata,
            )

    def write_local_file(self, in_memory_dataset: DetectorImage, uri: ResourcePath) -> None:
        """Write an image."""
        image = in_memory_dataset
        primary = fits.PrimaryHDU()
        for key in (*_HEADER_KEYS, *(key for key in image.metadata if key.startswith("SIMULAT"))):
            if image.metadata.get(key) is not None:
                primary.header[f"HIERARCH {key}" if len(key) > 8 else key] = image.metadata[key]
        pixels = fits.ImageHDU(image.image, name="IMAGE")
        pixels.header["BUNIT"] = image.unit
        mask = fits.ImageHDU(image.mask.astype(np.uint8), name="MASK")
        numbers = [(key, np.int32) for key in ("X0", "Y0", "WIDTH", "HEIGHT")]
        kind = [("NAME", "U8"), *numbers, ("FLIPX", "?"), ("FLIPY", "?")]
        rows = [astuple(amplifier) for amplifier in image.amplifiers.values()]
        amplifiers = fits.BinTableHDU(np.array(rows, dtype=kind), name="AMPLIFIERS")
        tables = [amplifiers, _metadata_table(image.metadata)]
        fits.HDUList([primary, pixels, mask, *tables]).writeto(uri.ospath, overwrite=True)


class TableFormatter(_LocalFileFormatter):
    """Tables as JSON."""

    default_extension = ".json"

    def _read(self, path: str) -> Table:
        kind: type[Table] = self.file_descriptor.storageClass.pytype
        return kind.from_dict(json.loads(Path(path).read_text(encoding="utf-8")))

    def write_local_file(self, in_memory_dataset: Table, uri: ResourcePath) -> None:
        """Write a table."""
        text = json.dumps(in_memory_dataset.to_dict(), indent=1, allow_nan=False)
        Path(uri.ospath).write_text(text, encoding="utf-8")


def _metadata_table(metadata: dict[str, Any]) -> fits.BinTableHDU:
    """Names and values; the values as JSON, because FITS headers hold neither lists nor long names well."""
    texts = [json.dumps(_finite(value)) for value in metadata.values()]
    columns = [np.array(list(metadata), dtype=str), np.array(texts, dtype=str)]
    kind = [("KEY", columns[0].dtype), ("VALUE", columns[1].dtype)]
    return fits.BinTableHDU(np.rec.fromarrays(columns, dtype=kind), name="METADATA")


def _finite(value: Any) -> Any:
    """The value, with None for a number that is not finite (JSON has none)."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
