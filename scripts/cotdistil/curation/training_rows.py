"""The rows of a training set, copied batch by batch out of what they are chosen from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cotdistil.parquet_table import BATCH_ROWS, open_table, read_batches

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("problem_id", "question", "gold", "sample_index", "response")
SOURCE, UNFINISHED = "source", "unfinished"


class TrainingRows:
    """Writes train.parquet; a context manager. rows: how many were written, by source."""

    def __init__(self, path: Path):
        self.path = path
        self.rows: Counter[str] = Counter()

    def __enter__(self) -> TrainingRows:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {name: pa.string() for name in (*COLUMNS, SOURCE)} | {"sample_index": pa.int64()}
        self._schema = pa.schema(types | {UNFINISHED: pa.bool_()})
        self._writer = pq.ParquetWriter(self.path, self._schema, compression="zstd")
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def copy(
        self,
        table: Path,
        stage: str,
        chosen: np.ndarray,
        source: str | None = None,
        shorten: Callable[[str], str] | None = None,
    ) -> None:
        """Copy rows of a training set, or of a corpus.

        chosen: whether each row is copied, shape (rows,). source: which corpus it is; default: a
        training set, whose rows say it themselves. shorten: what is done to each response.
        """
        columns = (*COLUMNS, "complete") if source else (*COLUMNS, SOURCE, UNFINISHED)
        for batch in _batches(table, columns, stage, chosen):
            rows = _of_corpus(batch, source, shorten) if source else batch
            self._writer.write_table(rows.select(self._schema.names).cast(self._schema))
            self.rows.update(rows[SOURCE].to_pylist())


def _of_corpus(batch: pa.Table, source: str, shorten: Callable[[str], str] | None) -> pa.Table:
    """Rows of a corpus as those of a training set."""
    import pyarrow as pa

    responses, complete = batch["response"].to_pylist(), batch["complete"].to_pylist()
    kept = [shorten(text) for text in responses] if shorten else responses
    pairs = zip(complete, kept, responses, strict=True)
    columns = {name: batch[name] for name in COLUMNS}
    columns["response"] = pa.array(kept, pa.string())
    columns[SOURCE] = pa.repeat(pa.scalar(source), len(batch))
    columns[UNFINISHED] = [whole is False or left != text for whole, left, text in pairs]
    return pa.table(columns)


def _batches(
    table: Path, columns: tuple[str, ...], stage: str, chosen: np.ndarray
) -> Iterator[pa.Table]:
    import pyarrow as pa

    begin = 0
    for batch in read_batches(open_table(table, columns, stage), BATCH_ROWS, columns):
        wanted = chosen[begin : begin + len(batch)]
        begin += len(batch)
        if wanted.any():
            yield pa.Table.from_batches([batch.filter(pa.array(wanted))])
