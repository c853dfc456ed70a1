"""What pruning did to each trace of one training set, counted over traces.parquet in batches."""

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cotdistil.errors import UserError
from cotdistil.parquet_table import BATCH_ROWS, open_table, read_batches

COLUMNS = ["n_steps", "kept_spans", "reason", "calls", "tokens_before", "tokens_after"]
SHARE_BINS = 400
"""Bins of the share of tokens left, up to a response as long as it was; a half is an edge."""
MOST_SHARE = 2  # a conclusion of the student's can make a response longer than it was
PLACES = 200


@dataclass
class Totals:
    """Counts over the traces of one pruned training set that its record.json does not have.

    reasons, kept_reasons: reason -> traces, all and kept. calls, most_calls: validated cuts of all
    traces, and of the one with most. with_steps: of the kept traces, those that have steps.
    token_shares: of the kept, how many have each share of their tokens left, int64, shape (801,):
    bin i is [i, i + 1) / 400, the last has all from 2.
    places: of those with steps, how many still have the step at each of 200 places, evenly spaced
    from the start of the first step to the end of the last, int64, shape (200,).
    """

    traces: int = 0
    kept: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    kept_reasons: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    most_calls: int = 0
    with_steps: int = 0
    token_shares: np.ndarray = field(
        default_factory=partial(np.zeros, SHARE_BINS * MOST_SHARE + 1, np.int64)
    )
    places: np.ndarray = field(default_factory=partial(np.zeros, PLACES, np.int64))


def read_totals(folder: Path, record: dict, name: str) -> Totals:
    """The totals of the pruned training set in `folder`, whose record.json says `record`.

    Raises `UserError` unless there are as many traces, in all and kept, as the record counts.
    """
    table = open_table(folder / "traces.parquet", COLUMNS, "pruned training set")
    totals = Totals()
    for batch in read_batches(table, BATCH_ROWS, COLUMNS):
        _add(totals, batch)
    if (totals.traces, totals.kept) != (record["rows_in"], record["rows_out"]):
        raise UserError(
            f"{name}: {folder / 'traces.parquet'} has {totals.traces} traces, {totals.kept} of them"
            f" kept; its record counts {record['rows_in']} and {record['rows_out']}; make it again:"
            f" clean_store.py --remake pruned/{folder.name}"
        )
    return totals


def _add(totals: Totals, batch: pa.RecordBatch) -> None:
    reasons = batch["reason"].to_pylist()
    is_kept = batch["kept_spans"].is_valid().to_numpy(zero_copy_only=False)
    totals.traces += len(reasons)
    totals.reasons.update(reasons)
    totals.kept_reasons.update(r for r, k in zip(reasons, is_kept, strict=True) if k)
    calls = batch["calls"].to_numpy()
    totals.calls += int(calls.sum())
    totals.most_calls = int(max(totals.most_calls, calls.max(initial=0)))
    _add_kept(totals, batch.filter(pa.array(is_kept)))


def _add_kept(totals: Totals, kept: pa.RecordBatch) -> None:
    names = ("n_steps", "tokens_before", "tokens_after")
    steps, before, after = (kept[name].to_numpy() for name in names)
    totals.kept += len(kept)
    most = len(totals.token_shares) - 1
    shares = np.minimum(after * SHARE_BINS // np.maximum(before, 1), most)
    totals.token_shares += np.bincount(shares, minlength=most + 1)
    totals.with_steps += int((steps > 0).sum())
    totals.places += places_kept(steps, kept["kept_spans"])


def places_kept(n_steps: np.ndarray, kept_spans: pa.ListArray) -> np.ndarray:
    """How many of the traces still have the step at each place, shape (PLACES,).

    n_steps: shape (n,). kept_spans: for each trace its disjoint [start, end) in steps from 0.
    Place i is the step at (i + 1/2) / PLACES of all steps.
    """
    of_trace = pc.list_parent_indices(kept_spans).to_numpy()
    spans = kept_spans.flatten().flatten().to_numpy().reshape(-1, 2)
    total = n_steps[of_trace][:, None]
    spans, total = spans[total[:, 0] > 0], total[total[:, 0] > 0]
    # The places before step s of n are those with (i + 1/2) / PLACES < s / n, in whole numbers.
    before = -((total - 2 * PLACES * spans) // (2 * total))
    starts, ends = (np.bincount(before[:, side], minlength=PLACES + 1) for side in (0, 1))
    return np.cumsum(starts - ends)[:PLACES]
