"""Problem sets as they are read, and the table of what is removed from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cotdistil.parquet_table import BATCH_ROWS, open_table


class Problem(NamedTuple):
    problem_id: str
    question: str


class Removal(NamedTuple):
    """Why a problem is removed: a row of removed.parquet.

    matched_in: the key of the problem set of the match; "" = the same set.
    matched: the n-gram that both share, or how similar they are, or "".
    """

    problem_id: str
    question: str
    reason: str
    matched_problem_id: str
    matched_question: str
    matched_in: str = ""
    matched: str = ""


def read_problems(folder: Path) -> Iterator[Problem]:
    """The problems of a problem set's folder, in order, batch by batch."""
    table = open_table(folder / "problems.parquet", Problem._fields, "problems")
    for batch in table.iter_batches(BATCH_ROWS, columns=list(Problem._fields)):
        yield from map(Problem, *(batch.column(name).to_pylist() for name in Problem._fields))


def write_removed(path: Path, removals: Sequence[Removal | None]) -> dict[str, int]:
    """Write a row per removal, in order; returns how many there are of each reason."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = [removal for removal in removals if removal]
    schema = pa.schema([(name, pa.string()) for name in Removal._fields])
    columns = [[row[place] for row in rows] for place in range(len(Removal._fields))]
    pq.write_table(
        pa.Table.from_arrays(list(map(pa.array, columns, schema.types)), schema=schema), path
    )
    return dict(Counter(row.reason for row in rows))
