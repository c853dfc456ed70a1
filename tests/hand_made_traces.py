"""Training sets and what pruning made of them, written by hand as the stages leave them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cotdistil.pruning.outcome import table_schemas
from cotdistil.responses import join_response
from hand_made_store import HandMadeStore, Outcome

Spans = list[list[int]]
TRAIN = pa.schema([(name, pa.string()) for name in ("problem_id", "question", "gold", "response")])
SCHEMAS = table_schemas(TRAIN)


@dataclass(frozen=True)
class Round:
    """What was asked about, and what the student wrote; valid: None for what was not asked."""

    asked: Spans
    valid: bool | None
    answers: Sequence[str] = ("5",)
    greedy: bool = False


@dataclass(frozen=True)
class HandMadeTrace:
    """A trace and what became of it. kept: None for a dropped one; "all": kept whole.

    after: what follows the cut, where it is not `conclusion`. response: as a whole, where there are
    no steps. A token is four characters here.
    """

    problem_id: str
    steps: Sequence[str] = ()
    conclusion: str = "So it is \\boxed{5}."
    question: str = "How many apples?"
    gold: str = "5"
    kept: Spans | str | None = "all"
    reason: str = "whole"
    first_answer_step: int | None = None
    rounds: Sequence[Round] = field(default_factory=tuple)
    after: str | None = None
    response: str | None = None

    @property
    def whole(self) -> str:
        if self.response is not None:
            return self.response
        return join_response("".join(self.steps), self.conclusion)

    @property
    def spans(self) -> Spans | None:
        if self.kept == "all":
            return [[0, len(self.steps)]] if self.steps else []
        return self.kept

    @property
    def left(self) -> str | None:
        """The response that is left."""
        if self.spans is None:
            return None
        if self.kept == "all":
            return self.whole
        thinking = "".join(step for start, end in self.spans for step in self.steps[start:end])
        return join_response(thinking.rstrip(), self.after or self.conclusion)


def write_training_set(
    store: HandMadeStore, traces: Sequence[HandMadeTrace], label: str = "whole", **options: object
) -> Path:
    """The folder of a training set of these traces, whole. options: of the parquet file."""
    folder = store.artefact("training_sets", label)
    rows = [_train_row(trace, trace.whole) for trace in traces]
    pq.write_table(pa.Table.from_pylist(rows, schema=TRAIN), folder / "train.parquet", **options)
    return folder


def write_pruned(
    store: HandMadeStore, traces: Sequence[HandMadeTrace], label: str = "pruned", **options: object
) -> Path:
    """The folder of what pruning left of these traces."""
    folder = store.artefact("pruned", label)
    tables = {
        "train": [_train_row(trace, trace.left) for trace in traces if trace.left is not None],
        "traces": [_summary(*each) for each in enumerate(traces)],
        "rounds": [
            row for number, trace in enumerate(traces) for row in _round_rows(number, trace)
        ],
    }
    for name, rows in tables.items():
        table = pa.Table.from_pylist(rows, schema=SCHEMAS[name])
        pq.write_table(table, folder / f"{name}.parquet", **options)
    return folder


def browse(
    store: HandMadeStore,
    traces: Sequence[HandMadeTrace],
    most: int | None = None,
    pruned: bool = True,
    title: str = "pruned · small",
    **keywords: object,
) -> Outcome:
    """Run the real command on these traces; the page is `browser.html` in its folder."""
    parents = {"training_set": write_training_set(store, traces)}
    if pruned:
        parents["pruned"] = write_pruned(store, traces)
    return store.run("trace_browsers", {"title": title, "traces": most}, parents, **keywords)


def _train_row(trace: HandMadeTrace, response: str) -> dict:
    named = {"problem_id": trace.problem_id, "question": trace.question, "gold": trace.gold}
    return {**named, "response": response}


def _summary(number: int, trace: HandMadeTrace) -> dict:
    spans, left = trace.spans, trace.left
    return {
        "problem_id": trace.problem_id,
        "row": number,
        "n_steps": len(trace.steps),
        "step_ends": list(accumulate(map(len, trace.steps))),
        "kept_spans": spans,
        "kept_steps": None if spans is None else sum(end - start for start, end in spans),
        "reason": trace.reason,
        "first_answer_step": trace.first_answer_step,
        "calls": sum(each.valid is not None for each in trace.rounds),
        "tokens_before": len(trace.whole) // 4,
        "tokens_after": None if left is None else len(left) // 4,
    }


def _round_rows(row: int, trace: HandMadeTrace) -> list[dict]:
    return [
        {
            "problem_id": trace.problem_id,
            "row": row,
            "round": number,
            "kept_spans": each.asked,
            "asked_steps": sum(end - start for start, end in each.asked),
            "greedy": each.greedy,
            "answers": [] if each.valid is None else [f"{text}}}." for text in each.answers],
            "extracted": [] if each.valid is None else list(each.answers),
            "right": [] if each.valid is None else [text == trace.gold for text in each.answers],
            "valid": each.valid,
            "prompt_tokens": 100,
            "cached_tokens": 40,
            "completion_tokens": 0 if each.valid is None else 8,
        }
        for number, each in enumerate(trace.rounds)
    ]
