"""A parquet file of an earlier stage, opened to be read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

BATCH_ROWS = 2048


def open_table(path: Path, columns: Sequence[str], stage: str) -> pq.ParquetFile:
    """The file at `path`, which `stage` made. Raises `UserError` if one of `columns` is missing."""
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path)
    missing = [name for name in columns if name not in table.schema_arrow.names]
    if missing:
        raise UserError(
            f"{path}: has no column {', '.join(missing)}; expected {', '.join(columns)}; make the"
            f" {stage} again"
        )
    return table


def read_batches(
    table: pq.ParquetFile, rows: int, columns: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """Batches of at most `rows` rows, a row group at a time.

    `iter_batches` over a whole file of long texts keeps what it has read: memory would grow with
    the file.
    """
    for group in range(table.num_row_groups):
        read = table.read_row_group(group, columns=list(columns), use_threads=False)
        yield from read.to_batches(max_chunksize=rows)
