"""How much another recipe kept of each trace: what random cutting is measured by."""

from __future__ import annotations

from pathlib import Path

from cotdistil.parquet_table import BATCH_ROWS, open_table, read_batches
from cotdistil.pruning.cutters import TOO_FEW_STEPS
from cotdistil.pruning.cutters.unvalidated import shuffle_shares

COLUMNS = ("row", "n_steps", "kept_steps", "reason")


def read_shares(traces: Path, seed: int) -> list[float | None]:
    """For each row the share of steps that random cutting keeps; None where it was dropped there.

    traces: traces.parquet of the other recipe, which pruned the same training set. The shares of
    the traces that it searched are shuffled among them; one that had too few steps keeps its own.
    """
    shares: list[float | None] = []
    searched: list[int] = []
    with open_table(traces, COLUMNS, "pruned training set") as table:
        for batch in read_batches(table, BATCH_ROWS, COLUMNS):
            for row in batch.to_pylist():
                kept, n_steps = row["kept_steps"], row["n_steps"]
                if kept is not None and n_steps and row["reason"] != TOO_FEW_STEPS:
                    searched.append(len(shares))
                shares.append(None if kept is None else kept / n_steps if n_steps else 1.0)
    shuffled = shuffle_shares([shares[row] for row in searched], seed)
    for row, share in zip(searched, shuffled, strict=True):
        shares[row] = share
    return shares
