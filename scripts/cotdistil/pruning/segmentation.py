"""The steps of a training set's traces, as a model cut them: the artefact of the stage `steps`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from typing_extensions import TypedDict

from cotdistil.broken_files import broken
from cotdistil.checked_rows import read_rows
from cotdistil.errors import UserError
from cotdistil.parquet_table import count_rows
from cotdistil.responses import split_response

STEPS = "steps.parquet"


def thinking_to_cut(response: str) -> str:
    """The thinking in which there are steps; "" where it is missing, blank or never closed."""
    parts = split_response(response)
    thinking = parts.thinking or ""
    return thinking if parts.think == "closed" and thinking.strip() else ""


class TraceSteps(TypedDict):
    """A row of the artefact: where the steps of one trace end, in characters of the thinking.

    row: of the training set, from 0. step_ends: [] where there is no thinking to cut.
    """

    problem_id: str
    row: int
    step_ends: list[int]


class StepsFile:
    """The steps of a training set's traces, a row per row of it and in its order.

    folder: of an artefact of the stage `steps`; nothing of it is read until it is asked for.
    """

    def __init__(self, folder: Path):
        self.path = folder / STEPS

    def __iter__(self) -> Iterator[TraceSteps]:
        """Raises `UserError` if the file cannot be read, or a row is not of this kind."""
        for rows in read_rows(self.path, TraceSteps, "steps"):
            yield from rows

    def check_count(self, rows: int) -> None:
        """Raise `UserError` if the training set's number of rows is another."""
        found = count_rows(self.path, "steps")
        if found != rows:
            raise self._of_others(f"found {found} rows; expected {rows}, as the training set has")

    def check(self, steps: TraceSteps, row: int, problem_id: str, response: str) -> None:
        """Raise `UserError` if these are not the steps of this row of the training set."""
        if (steps["problem_id"], steps["row"]) != (problem_id, row):
            raise self._of_others(
                f"row {row}: found problem {steps['problem_id']!r}, row {steps['row']}; expected"
                f" problem {problem_id!r}, row {row}"
            )
        length = len(thinking_to_cut(response))
        if found := _fault(steps["step_ends"], length):
            expected = f"ascending to {length}, where its thinking ends" if length else "none"
            raise self._of_others(f"row {row}: found {found}; expected {expected}")

    def _of_others(self, found: str) -> UserError:
        return broken(self.path, f"{found}; these are steps of other traces", "them")


def _fault(ends: list[int], length: int) -> str:
    """What is wrong with the step ends of a thinking of `length` characters; "" if nothing."""
    last = ends[-1] if ends else 0
    if last != length:
        return f"step ends up to {last}" if ends else "no step ends"
    wrong = ((end, before) for before, end in pairwise([0, *ends]) if end <= before)
    return next((f"a step end at {end} behind {before}" for end, before in wrong), "")
