"""Rows picked out of parquet files that may be large, without holding more than a part of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from cotdistil.broken_files import broken
from cotdistil.checked_rows import checked_rows
from cotdistil.parquet_table import open_table, read_batches

ROWS_TOGETHER = 256  # long texts: a row may have 100,000 characters


def evenly_spread(rows: int, most: int | None) -> list[int]:
    """At most `most` of the row numbers 0..rows-1, at even distances; None: all of them."""
    shown = rows if most is None else min(rows, most)
    return [position * rows // shown for position in range(shown)]


def rows_at(path: Path, kind: type, stage: str, numbers: Sequence[int]) -> Iterator[dict]:
    """The rows with these numbers, which ascend from 0; kind: a TypedDict (`checked_rows`)."""
    columns = list(kind.__annotations__)
    with open_table(path, columns, stage) as table:
        begin, wanted = 0, iter(numbers)
        number = next(wanted, None)
        for batch in read_batches(table, ROWS_TOGETHER, columns):
            positions = []
            while number is not None and number < begin + len(batch):
                positions.append(number - begin)
                number = next(wanted, None)
            if positions:
                found = [begin + position for position in positions]
                yield from checked_rows(path, kind, batch.take(positions), found)
            begin += len(batch)


def rows_by_trace(
    path: Path, kind: type, stage: str, numbers: Sequence[int], traces: int
) -> Iterator[tuple[int, list[dict]]]:
    """The rows about each of these traces, with its number in the column `row`; ascending.

    A trace that no row is about is left out. kind: a TypedDict (`checked_rows`). traces: how many
    there are in all. Raises `UserError` if the file is not ordered by trace, or is about others.
    """
    columns = list(kind.__annotations__)
    chosen = set(numbers)

    def wanted() -> Iterator[dict]:
        before = 0
        with open_table(path, columns, stage) as table:
            for batch in read_batches(table, ROWS_TOGETHER, columns):
                of_trace = batch["row"].to_pylist()
                for number in of_trace:
                    if number is None or not before <= number < traces:
                        raise broken(
                            path,
                            f"found row {number} after row {before}; expected the rows in the order"
                            f" of the training set, which has {traces}",
                        )
                    before = number
                positions = [p for p, number in enumerate(of_trace) if number in chosen]
                if positions:
                    found = [of_trace[position] for position in positions]
                    yield from checked_rows(path, kind, batch.take(positions), found)

    for number, rows in groupby(wanted(), lambda row: row["row"]):
        yield number, list(rows)
