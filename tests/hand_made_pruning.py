"""A pruned training set made by hand, as far as its tables read it."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cotdistil.pruning.outcome import add_up, make_record, table_schemas

TRAIN = pa.schema([(name, pa.string()) for name in ("problem_id", "question", "gold", "response")])
SCHEMA = table_schemas(TRAIN)["traces"]
# What each validated cut cost: two samples, each with a prompt of 800 tokens.
CHECK = {
    "round": 0, "valid": False, "answers": ["4}", "5}"],
    "prompt_tokens": 800, "cached_tokens": 1200, "completion_tokens": 16,
}  # fmt: skip
COST = {"seconds": 12.4, "cpu_seconds": 20.0, "gpus": 1, "peak_memory_mb": 900}


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
    checks = [CHECK] * sum(row["calls"] for row in traces)
    totals = add_up(traces, checks, pairs=2)
    totals.update(engine_calls=7, answers_of_other_jobs=13)
    record = {**make_record(len(traces), totals), "cost": COST, **changes}
    (folder / "record.json").write_text(json.dumps(record))
