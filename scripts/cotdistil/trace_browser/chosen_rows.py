"""Rows picked out of parquet files that may be large, without holding more than a part of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from cotdistil.errors import UserError
from cotdistil.parquet_table import open_table, read_batches

ROWS_TOGETHER = 256  # long texts: a row may have 100,000 characters


def evenly_spread(rows: int, most: int | None) -> list[int]:
    """At most `most` of the row numbers 0..rows-1, at even distances; None: all of them."""
    shown = rows if most is None else min(rows, most)
    return [position * rows // shown for position in range(shown)]


def rows_at(
    path: Path, columns: Sequence[str], stage: str, numbers: Sequence[int]
) -> Iterator[dict]:
    """The rows with these numbers, which ascend from 0."""
    with open_table(path, columns, stage) as table:
        begin, wanted = 0, iter(numbers)
        number = next(wanted, None)
        for batch in read_batches(table, ROWS_TOGETHER, columns):
            positions = []
            while number is not None and number < begin + len(batch):
                positions.append(number - begin)
                number = next(wanted, None)
            begin += len(batch)
            yield from batch.take(positions).to_pylist() if positions else ()


def rows_by_trace(
    path: Path, columns: Sequence[str], stage: str, numbers: Sequence[int]
) -> Iterator[tuple[int, list[dict]]]:
    """The rows about each of these traces, with its number in the column `row`; ascending.

    A trace that no row is about is left out. Raises `UserError` if the file is not ordered by
    trace.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    def wanted() -> Iterator[dict]:
        with open_table(path, columns, stage) as table:
            chosen = pa.array(numbers, pa.int64())
            for batch in read_batches(table, ROWS_TOGETHER, columns):
                yield from batch.filter(pc.is_in(batch["row"], chosen)).to_pylist()

    before = -1
    for number, rows in groupby(wanted(), lambda row: row["row"]):
        if number < before:
            raise UserError(
                f"{path}: found row {number} after row {before}; expected the rows in the order of"
                f" the training set; make the {stage} again"
            )
        before = number
        yield number, list(rows)
