"""The answers that other opinions are asked for: those that the grader compared with the gold."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from cotdistil.parquet_table import BATCH_ROWS, open_table

COLUMNS = ["problem_id", "sample_index", "gold", "extracted", "correct", "tier", "truncated"]


def graded_answers(scores: Path, left_out: Counter[str]) -> Iterator[list[dict]]:
    """Rows of a scores.parquet that hold a graded answer, batch by batch.

    What has no answer, or was cut by the token limit and for that not graded, is right in nobody's
    opinion; it is counted in `left_out`, by reason. Raises `UserError` if a column is missing.
    """
    table = open_table(scores, COLUMNS, "scores")
    for batch in table.iter_batches(BATCH_ROWS, columns=COLUMNS):
        rows = batch.to_pylist()
        reasons = [why_not_graded(row) for row in rows]
        left_out.update(reason for reason in reasons if reason)
        yield [row for row, reason in zip(rows, reasons, strict=True) if not reason]


def why_not_graded(row: dict) -> str | None:
    """Why the grader never compared this row's answer; None if it did."""
    if row["extracted"] is None:
        return "no answer found"
    if row["truncated"] and row["tier"] == "none":
        return "cut by the token limit"
    return None


def count_rows(scores: Path) -> int:
    import pyarrow.parquet as pq

    return pq.ParquetFile(scores).metadata.num_rows
