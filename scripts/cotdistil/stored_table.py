"""A parquet file of the store that says which one it is when it cannot be read."""

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cotdistil.broken_files import may_be_broken


class StoredTable(pq.ParquetFile):
    """Raises `UserError` where a ParquetFile raises what pyarrow found, as it is opened or read."""

    def __init__(self, path: Path):
        self.path = path
        with may_be_broken(path, pa.ArrowException):
            super().__init__(path)

    def read_row_group(self, *arguments: object, **options: object) -> pa.Table:
        with may_be_broken(self.path, pa.ArrowException):
            return super().read_row_group(*arguments, **options)

    def iter_batches(self, *arguments: object, **options: object) -> Iterator[pa.RecordBatch]:
        with may_be_broken(self.path, pa.ArrowException):
            yield from super().iter_batches(*arguments, **options)
