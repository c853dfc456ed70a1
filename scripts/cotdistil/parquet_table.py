"""A parquet file of an earlier stage, opened to be read batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.broken_files import broken

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from cotdistil.stored_table import StoredTable

BATCH_ROWS = 2048


def open_table(path: Path, columns: Sequence[str], stage: str) -> StoredTable:
    """The file at `path`, which `stage` made.

    Raises `UserError` if it cannot be read, then or later, or if one of `columns` is missing.
    """
    from cotdistil.stored_table import StoredTable

    table = StoredTable(path)
    missing = [name for name in columns if name not in table.schema_arrow.names]
    if missing:
        found = f"has no column {', '.join(missing)}; expected {', '.join(columns)}"
        raise broken(path, found, f"the {stage}")
    return table


def count_rows(path: Path, stage: str) -> int:
    """How many rows the file has. Raises `UserError` if it cannot be read."""
    with open_table(path, (), stage) as table:
        return table.metadata.num_rows


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
