"""The rows of a training set, copied batch by batch out of what they are chosen from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cotdistil.parquet_table import BATCH_ROWS, open_table

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("problem_id", "question", "gold", "sample_index", "response")
SOURCE = "source"


class TrainingRows:
    """Writes train.parquet; a context manager. rows: how many were written, by source."""

    def __init__(self, path: Path):
        self.path = path
        self.rows: Counter[str] = Counter()

    def __enter__(self) -> TrainingRows:
        import pyarrow as pa
        import pyarrow.parquet as pq

        types = {name: pa.string() for name in (*COLUMNS, SOURCE)} | {"sample_index": pa.int64()}
        self._schema = pa.schema(types)
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
        change: Callable[[str], str] | None = None,
    ) -> None:
        """Copy rows of a parquet file.

        chosen: whether each row is copied, shape (rows,). source: what they come from; default: the
        file says it itself. change: what is done to each response.
        """
        import pyarrow as pa

        columns = COLUMNS if source else (*COLUMNS, SOURCE)
        for batch in _batches(table, columns, stage, chosen):
            if source:
                batch = batch.append_column(SOURCE, pa.repeat(pa.scalar(source), len(batch)))
            if change:
                texts = [change(text) for text in batch["response"].to_pylist()]
                position = batch.schema.get_field_index("response")
                batch = batch.set_column(position, "response", pa.array(texts, pa.string()))
            self._writer.write_table(batch.select(self._schema.names).cast(self._schema))
            self.rows.update(batch[SOURCE].to_pylist())


def _batches(
    table: Path, columns: tuple[str, ...], stage: str, chosen: np.ndarray
) -> Iterator[pa.Table]:
    import pyarrow as pa

    begin = 0
    for batch in open_table(table, columns, stage).iter_batches(BATCH_ROWS, columns=list(columns)):
        wanted = chosen[begin : begin + len(batch)]
        begin += len(batch)
        if wanted.any():
            yield pa.Table.from_batches([batch.filter(pa.array(wanted))])
