"""The steps of a training set's traces, as a model cut them: the artefact of the stage `steps`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cotdistil.parquet_table import BATCH_ROWS, open_table, read_batches
from cotdistil.responses import split_response

STEPS = "steps.parquet"


def thinking_to_cut(response: str) -> str:
    """The thinking in which there are steps; "" where it is missing, blank or never closed."""
    parts = split_response(response)
    thinking = parts.thinking or ""
    return thinking if parts.think == "closed" and thinking.strip() else ""


def read_step_ends(steps_folder: Path) -> Iterator[list[int]]:
    """Where each step ends, in characters of the thinking: a list per row of the training set.

    [] where there is no thinking to cut. Read a row group at a time.
    """
    with open_table(steps_folder / STEPS, ["step_ends"], "steps") as table:
        for batch in read_batches(table, BATCH_ROWS, ["step_ends"]):
            yield from batch.column("step_ends").to_pylist()
