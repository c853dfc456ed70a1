"""The steps of a training set's traces, as a model cut them: the artefact of the stage `steps`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.errors import UserError
from cotdistil.parquet_table import BATCH_ROWS, open_table, read_batches
from cotdistil.responses import split_response

if TYPE_CHECKING:
    import pyarrow.parquet as pq

STEPS = "steps.parquet"
COLUMNS = ("problem_id", "row", "step_ends")


def thinking_to_cut(response: str) -> str:
    """The thinking in which there are steps; "" where it is missing, blank or never closed."""
    parts = split_response(response)
    thinking = parts.thinking or ""
    return thinking if parts.think == "closed" and thinking.strip() else ""


@dataclass(frozen=True)
class TraceSteps:
    """A row of the artefact: where the steps of one trace end, in characters of the thinking.

    row: of the training set, from 0. ends: [] where there is no thinking to cut.
    """

    problem_id: str
    row: int
    ends: list[int]


class StepsFile:
    """The steps of a training set's traces, a row per row of it and in its order."""

    def __init__(self, path: Path):
        self.path = path

    def __iter__(self) -> Iterator[TraceSteps]:
        """Read a row group at a time. Raises `UserError` if a column is missing."""
        with self._open() as table:
            for batch in read_batches(table, BATCH_ROWS, COLUMNS):
                yield from map(TraceSteps, *(batch.column(name).to_pylist() for name in COLUMNS))

    def check_rows(self, rows: int) -> None:
        """Raise `UserError` if the training set's number of rows is another."""
        with self._open() as table:
            found = table.metadata.num_rows
        if found != rows:
            raise self._refusal("", f"{found} rows", f"{rows}, as the training set has")

    def check(self, steps: TraceSteps, row: int, problem_id: str, response: str) -> None:
        """Raise `UserError` if these are not the steps of this row of the training set."""
        where = f"row {row}: "
        if (steps.problem_id, steps.row) != (problem_id, row):
            found = f"problem {steps.problem_id!r}, row {steps.row}"
            raise self._refusal(where, found, f"problem {problem_id!r}, row {row}")
        length = len(thinking_to_cut(response))
        expected = f"ascending to {length}, where its thinking ends" if length else "none"
        ends = steps.ends
        if ends is None or None in ends:
            raise self._refusal(where, "step ends that are null", expected)
        if (ends[-1] if ends else 0) != length:
            found = f"step ends up to {ends[-1]}" if ends else "no step ends"
            raise self._refusal(where, found, expected)
        for before, end in pairwise([0, *ends]):
            if end <= before:
                raise self._refusal(where, f"a step end at {end} behind {before}", expected)

    def _open(self) -> pq.ParquetFile:
        return open_table(self.path, COLUMNS, "steps")

    def _refusal(self, where: str, found: str, expected: str) -> UserError:
        return UserError(
            f"{self.path}: {where}found {found}; expected {expected}; these are steps of other"
            f" traces; make them again: clean_store.py --remake steps/{self.path.parent.name}"
        )


def read_step_ends(steps_folder: Path) -> StepsFile:
    """The steps in an artefact of the stage `steps`; nothing of it is read yet."""
    return StepsFile(steps_folder / STEPS)
