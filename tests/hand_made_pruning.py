"""A pruned training set made by hand, as far as its tables read it."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    [
        ("problem_id", pa.string()),
        ("row", pa.int64()),
        ("n_steps", pa.int64()),
        ("step_ends", pa.list_(pa.int64())),
        ("kept_spans", pa.list_(pa.list_(pa.int64()))),
        ("kept_steps", pa.int64()),
        ("reason", pa.string()),
        ("first_answer_step", pa.int64()),
        ("calls", pa.int64()),
        ("tokens_before", pa.int64()),
        ("tokens_after", pa.int64()),
    ]
)


def trace(
    steps: int,
    kept: list | None,
    reason: str,
    tokens: tuple[int, int | None] = (100, 100),
    first: int | None = None,
    calls: int = 0,
) -> dict:
    """A row of traces.parquet. kept: its spans, None where it was dropped."""
    return {
        "n_steps": steps,
        "step_ends": list(range(10, 10 * steps + 1, 10)),
        "kept_spans": kept,
        "kept_steps": None if kept is None else sum(end - start for start, end in kept),
        "reason": reason,
        "first_answer_step": first,
        "calls": calls,
        "tokens_before": tokens[0],
        "tokens_after": tokens[1],
    }


TRACES = [
    trace(40, [[0, 10]], "cut", (1000, 250), first=8, calls=6),
    trace(20, [[0, 5], [15, 20]], "cut", (500, 250), first=11, calls=4),
    trace(30, [[0, 30]], "whole", (700, 700), first=21, calls=5),
    trace(1, [[0, 1]], "too few steps", (50, 50), first=1),
    trace(0, [], "no thinking", (40, 40)),
    trace(12, None, "full trace not validated", (400, None), calls=5),
    trace(25, None, "full trace not validated", (600, None), first=3, calls=6),
    trace(9, None, "no step gives the answer", (300, None)),
]


def write_pruned(folder: Path, traces: list[dict], row_group_size: int = 8192, **changes) -> None:
    """Write traces.parquet and record.json; `changes` to the record."""
    rows = [{"problem_id": f"p{i}", "row": i, **row} for i, row in enumerate(traces)]
    table = pa.Table.from_pylist(rows, schema=SCHEMA)
    pq.write_table(table, folder / "traces.parquet", row_group_size=row_group_size)
    kept = [row for row in traces if row["kept_spans"] is not None]
    dropped = [row["reason"] for row in traces if row["kept_spans"] is None]
    answered = [row for row in traces if row["first_answer_step"] is not None]
    record = {
        "rows_in": len(traces),
        "rows_out": len(kept),
        "dropped": {reason: dropped.count(reason) for reason in dropped},
        "steps_before": sum(row["n_steps"] for row in kept),
        "steps_after": sum(row["kept_steps"] for row in kept),
        "tokens_before": sum(row["tokens_before"] for row in kept),
        "tokens_after": sum(row["tokens_after"] for row in kept),
        "halved": sum(2 * row["tokens_after"] < row["tokens_before"] for row in kept),
        "with_answer_step": len(answered),
        "answer_in_last_ten": sum(
            row["first_answer_step"] > row["n_steps"] - 10 for row in answered
        ),
        "engine_calls": 7, "checks": 26, "answers": 52, "prompt_tokens": 40_000,
        "cached_tokens": 30_000, "completion_tokens": 416, "pairs": 2,
        "cost": {"seconds": 12.4, "cpu_seconds": 20.0, "gpus": 1, "peak_memory_mb": 900},
    }  # fmt: skip
    (folder / "record.json").write_text(json.dumps(record | changes))
