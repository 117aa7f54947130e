"""How the Butler reads tables of results: as astropy's, without looking for pandas."""

from __future__ import annotations

from typing import Any

from lsst.daf.butler.formatters.parquet import (
    ParquetFormatter,
    arrow_schema_to_column_list,
    arrow_to_astropy,
)

__all__ = ["ResultsFormatter"]


class ResultsFormatter(ParquetFormatter):
    """Tables in the files that the Butler's own formatter writes and reads, too.

    That one gives what pyarrow has read. To make a table of it the storage class then imports all types of
    which it can make one, and warns of pandas, which is not needed for this.
    """

    can_read_from_uri = False  # a file that is not on this disk is fetched first

    def read_from_local_file(self, path: str, component: str | None = None, expected_size: int = -1) -> Any:
        """Read a file.

        Parameters
        ----------
        path, component, expected_size
            See `FormatterV2`.

        Returns
        -------
        table
            Of astropy; or a component of it, e.g. ``rowcount``.
        """
        read = super().read_from_local_file(path, component, expected_size)
        if component is None:
            return arrow_to_astropy(read)
        return arrow_schema_to_column_list(read) if component == "columns" else read
