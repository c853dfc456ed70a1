"""Rows of a parquet file of an earlier stage, each known to be of the kind that is expected.

A kind is a TypedDict: the columns that are read, what each holds, and whether it may be null.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.broken_files import broken, may_be_broken
from cotdistil.expected import first_fault
from cotdistil.parquet_table import BATCH_ROWS, open_table, read_batches

if TYPE_CHECKING:
    import pyarrow as pa


def read_rows(path: Path, kind: type, stage: str) -> Iterator[list[dict]]:
    """All rows of the file that `stage` made, in lists of at most `BATCH_ROWS`.

    Raises `UserError` if it cannot be read, or if a row is not of the kind.
    """
    columns = list(kind.__annotations__)
    begin = 0
    with open_table(path, columns, stage) as table:
        for batch in read_batches(table, BATCH_ROWS, columns):
            numbers = range(begin, begin + len(batch))
            yield checked_rows(path, kind, batch, numbers)
            begin += len(batch)


def checked_rows(
    path: Path, kind: type, batch: pa.RecordBatch, numbers: Sequence[int]
) -> list[dict]:
    """The rows of a batch out of the file; numbers: what to call each of them."""
    with may_be_broken(path):  # text that is not UTF-8
        rows = batch.to_pylist()
    if fault := first_fault(rows, list[kind]):
        position, *_ = fault.place
        row_fault = first_fault(rows[position], kind)
        raise broken(path, f"row {numbers[position]}: {row_fault.text}")
    return rows
