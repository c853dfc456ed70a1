"""What pruning did to each trace of one training set, counted over traces.parquet in batches."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cotdistil.broken_files import broken
from cotdistil.pruning.outcome import add_up, make_record, merge
from cotdistil.pruning.payload import Summary, read_summaries

COUNTED = (
    *("rows_in", "rows_out", "dropped", "reasons", "calls"),
    *("tokens_in", "tokens_before", "tokens_after", "halved", "steps_before", "steps_after"),
    *("traces_with_steps", "with_answer_step", "answer_in_last_ten"),
)
SPANS = pa.list_(pa.list_(pa.int64()))
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


def read_totals(folder: Path, record: Mapping, name: str) -> Totals:
    """The totals of the pruned training set in `folder`, whose record.json says `record`.

    Raises `UserError` unless the traces add up to what the record says of them.
    """
    totals = Totals()
    sums: Counter[str] = Counter()
    for rows in read_summaries(folder):
        _add(totals, rows)
        sums = merge(sums, add_up(rows, [], 0))
    found = {**record, "calls": record["checks"] - record["checks_over_context"]}
    expected = {**make_record(totals.traces, sums), "calls": totals.calls}
    differing = [count for count in COUNTED if found[count] != expected[count]]
    if differing:
        said, counted = (
            ", ".join(f"{count} {counts[count]}" for count in differing)
            for counts in (found, expected)
        )
        raise broken(
            folder / "record.json",
            f"found {said} in the record of {name}; expected {counted}, as in traces.parquet",
        )
    return totals


def _add(totals: Totals, rows: Sequence[Summary]) -> None:
    kept = [row for row in rows if row["kept_spans"] is not None]
    totals.traces += len(rows)
    totals.kept += len(kept)
    totals.reasons.update(row["reason"] for row in rows)
    totals.kept_reasons.update(row["reason"] for row in kept)
    totals.calls += sum(row["calls"] for row in rows)
    totals.most_calls = max([totals.most_calls, *(row["calls"] for row in rows)])
    names = ("n_steps", "tokens_before", "tokens_after")
    steps, before, after = (np.array([row[name] for row in kept], np.int64) for name in names)
    most = len(totals.token_shares) - 1
    shares = np.minimum(after * SHARE_BINS // np.maximum(before, 1), most)
    totals.token_shares += np.bincount(shares, minlength=most + 1)
    totals.with_steps += int((steps > 0).sum())
    totals.places += places_kept(steps, pa.array([row["kept_spans"] for row in kept], SPANS))


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
