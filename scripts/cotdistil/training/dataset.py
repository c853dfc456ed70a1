"""The tokens of a training set on disk, so that memory does not grow with its size."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from cotdistil.errors import UserError
from cotdistil.parquet_table import open_table, read_batches

if TYPE_CHECKING:
    from cotdistil.training.examples import Example, ExampleMaker

_SCHEMA = pa.schema({"input_ids": pa.list_(pa.int32()), "prompt_length": pa.int32()})
_COLUMNS = ("problem_id", "question", "response", "unfinished")
_ROWS_AT_ONCE = 1024


def read_rows(training_set: Path) -> Iterator[dict]:
    """The rows of `train.parquet` in order: problem_id, question, response, unfinished."""
    table = open_table(training_set, _COLUMNS, "training_sets")
    for batch in read_batches(table, _ROWS_AT_ONCE, _COLUMNS):
        yield from batch.to_pylist()


def write_tokens(training_set: Path, maker: ExampleMaker, tokens: Path) -> None:
    """Tokenise every row of `training_set` into the Arrow file `tokens`.

    Raises `UserError` if no row is left, and `AssertionError` if a row is unaccounted for.
    """
    with pa.OSFile(str(tokens), "wb") as sink, pa.ipc.new_file(sink, _SCHEMA) as writer:
        batch: list[Example] = []
        for row in read_rows(training_set):
            example = maker.make(**row)
            if example is not None:
                batch.append(example)
            if len(batch) == _ROWS_AT_ONCE:
                writer.write_batch(_record_batch(batch))
                batch = []
        if batch:
            writer.write_batch(_record_batch(batch))
    ledger = maker.ledger
    assert ledger.rows_in == ledger.rows_out + sum(ledger.dropped.values()), ledger
    if ledger.rows_out == 0:
        raise UserError(
            f"{training_set}: no row is left to train on ({ledger.rows_in} in, dropped:"
            f" {ledger.dropped or 'none'}); expected at least one; raise training.sft.max_length"
            f" (now {maker.max_length}) or give the recipe more data"
        )


def _record_batch(batch: list[Example]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict(
        {
            "input_ids": [example.input_ids for example in batch],
            "prompt_length": [example.prompt_length for example in batch],
        },
        schema=_SCHEMA,
    )


class TokenStore:
    """Examples of a token file by index, memory-mapped.

    lengths: tokens per example, shape (n,).
    """

    def __init__(self, tokens: Path):
        self._table = pa.ipc.open_file(pa.memory_map(str(tokens))).read_all().combine_chunks()
        column = self._table.column("input_ids").combine_chunks()
        self._offsets = column.offsets.to_numpy()
        self._ids = column.values.to_numpy()
        self._prompt_lengths = self._table.column("prompt_length").to_numpy()
        self.lengths = np.diff(self._offsets)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        """Token ids, shape (length,), and the prompt's length."""
        ids = self._ids[self._offsets[index] : self._offsets[index + 1]]
        return ids, int(self._prompt_lengths[index])
