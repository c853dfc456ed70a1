"""What pruning leaves of each trace, and what its tables and its record say of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from cotdistil.boxes import end_of_last_box
from cotdistil.pruning.cutters import count_steps
from cotdistil.pruning.pairs import pairs_schema
from cotdistil.pruning.rounds import Pruned
from cotdistil.pruning.traces import Trace
from cotdistil.pruning.validation import read_answer
from cotdistil.responses import join_response

if TYPE_CHECKING:
    import pyarrow as pa

Conclusion = Literal["teacher", "student"]
_END = re.compile(r"[.!?](?=\s|$)|\n")
_CLOSERS = re.compile(r"\$\$?|\\[)\]]|\*\*")  # of a formula or bold text, directly behind a box
LAST_STEPS = 10  # of arXiv 2505.18440, which says how many answers appear only in these


def pruned_row(trace: Trace, pruned: Pruned, conclusion: Conclusion) -> dict | None:
    """The row that is left of a trace, or None if it is dropped.

    After a validated cut follows the teacher's answer as it was, or what the student wrote when it
    validated that cut (the first of its right answers). The paper does not say which of the two it
    used.
    """
    outcome = pruned.outcome
    if outcome.kept is None:
        return None
    if conclusion == "student" and outcome.validated:
        response = join_response(trace.thinking(outcome.kept), _students_answer(pruned))
        finished = {"unfinished": False} if "unfinished" in trace.row else {}
        return {**trace.row, "response": response, **finished}
    if outcome.kept == trace.whole():
        return trace.row
    return {**trace.row, "response": join_response(trace.thinking(outcome.kept), trace.answer)}


def _students_answer(pruned: Pruned) -> str:
    """The first right answer that came to its end, else the first right one up to an end."""
    kept = pruned.outcome.kept
    check = next(check for check in pruned.checks if check.valid and check.kept == kept)
    right = [
        (cut_off, answer)
        for answer, cut_off, is_right in zip(check.answers, check.cut_off, check.right, strict=True)
        if is_right
    ]
    cut_off, answer = min(right, key=lambda each: each[0])
    return up_to_an_end(answer) if cut_off else answer


def up_to_an_end(text: str) -> str:
    """A text that the token limit ended, up to its last box, or else its last sentence or line.

    It stays whole where less of it would have another answer.
    """
    end = end_of_last_box(text)
    if end is None:
        end = max((found.end() for found in _END.finditer(text)), default=len(text))
    else:
        while closer := _CLOSERS.match(text, end):
            end = closer.end()
    shorter = text[:end].rstrip()
    return shorter if read_answer(shorter) == read_answer(text) else text.rstrip()


def trace_summary(
    trace: Trace, pruned: Pruned, first_answer_step: int | None, tokens_after: int | None
) -> dict:
    """The row of traces.parquet. What is dropped has no steps and no tokens afterwards (null)."""
    kept = pruned.outcome.kept
    return {
        "problem_id": trace.row["problem_id"],
        "row": trace.number,
        "n_steps": len(trace.steps),
        "step_ends": trace.step_ends(),
        "kept_spans": kept,
        "kept_steps": None if kept is None else count_steps(kept),
        "reason": trace.uncuttable or pruned.outcome.reason,
        "first_answer_step": first_answer_step,
        "calls": sum(check.valid is not None for check in pruned.checks),
        "tokens_before": trace.tokens,
        "tokens_after": tokens_after,
    }


def round_rows(trace: Trace, pruned: Pruned) -> list[dict]:
    """The rows of rounds.parquet: one for each candidate that was asked about."""
    return [
        {
            "problem_id": trace.row["problem_id"],
            "row": trace.number,
            "round": number,
            "kept_spans": check.kept,
            "asked_steps": count_steps(check.kept),
            "greedy": check.greedy,
            "answers": check.answers,
            "extracted": check.extracted,
            "right": check.right,
            "valid": check.valid,
            "prompt_tokens": check.prompt_tokens,
            "cached_tokens": check.cached_tokens,
            "completion_tokens": check.completion_tokens,
        }
        for number, check in enumerate(pruned.checks)
    ]


def table_schemas(training_set: pa.Schema) -> dict[str, pa.Schema]:
    """The columns of the payload's files, by name without `.parquet`."""
    import pyarrow as pa

    problem_id = training_set.field("problem_id")
    spans = pa.list_(pa.list_(pa.int64()))
    return {
        "train": training_set.remove_metadata(),
        "traces": pa.schema(
            [
                problem_id,
                ("row", pa.int64()),
                ("n_steps", pa.int64()),
                ("step_ends", pa.list_(pa.int64())),
                ("kept_spans", spans),
                ("kept_steps", pa.int64()),
                ("reason", pa.string()),
                ("first_answer_step", pa.int64()),
                ("calls", pa.int64()),
                ("tokens_before", pa.int64()),
                ("tokens_after", pa.int64()),
            ]
        ),
        "rounds": pa.schema(
            [
                problem_id,
                ("row", pa.int64()),
                ("round", pa.int64()),
                ("kept_spans", spans),
                ("asked_steps", pa.int64()),
                ("greedy", pa.bool_()),
                ("answers", pa.list_(pa.string())),
                ("extracted", pa.list_(pa.string())),
                ("right", pa.list_(pa.bool_())),
                ("valid", pa.bool_()),
                ("prompt_tokens", pa.int64()),
                ("cached_tokens", pa.int64()),
                ("completion_tokens", pa.int64()),
            ]
        ),
        "pairs": pairs_schema(training_set),
    }


def add_up(summaries: Sequence[dict], rounds: Sequence[dict], pairs: int) -> Counter[str]:
    """Sums over the traces of one chunk, its checks and its preference pairs."""
    totals: Counter[str] = Counter(pairs=pairs)
    for row in summaries:
        kept = row["kept_steps"] is not None
        totals[f"{'kept' if kept else 'dropped'}: {row['reason']}"] += 1
        totals["tokens_in"] += row["tokens_before"]
        totals["traces_with_steps"] += row["n_steps"] > 0
        # In a trace of ten steps every one is among the last ten.
        if row["first_answer_step"] is not None and row["n_steps"] > LAST_STEPS:
            totals["with_answer_step"] += 1
            late = row["first_answer_step"] > row["n_steps"] - LAST_STEPS
            totals["answer_in_last_ten"] += late
        if kept:
            totals["rows_out"] += 1
            totals["steps_before"] += row["n_steps"]
            totals["steps_after"] += row["kept_steps"]
            totals["tokens_before"] += row["tokens_before"]
            totals["tokens_after"] += row["tokens_after"]
            totals["halved"] += 2 * row["tokens_after"] < row["tokens_before"]
    for check in rounds:
        totals["rounds"] = max(totals["rounds"], check["round"] + 1)
        totals["checks"] += 1
        totals["checks_over_context"] += check["valid"] is None
        totals["answers"] += len(check["answers"])
        totals["prompt_tokens"] += check["prompt_tokens"] * len(check["answers"])
        totals["cached_tokens"] += check["cached_tokens"] or 0
        totals["cache_unknown"] += check["cached_tokens"] is None and bool(check["answers"])
        totals["completion_tokens"] += check["completion_tokens"]
    return totals


def merge(totals: Counter[str], more: Counter[str]) -> Counter[str]:
    """The sums of two sets of traces; the rounds are those of the longest search."""
    rounds = max(totals["rounds"], more["rounds"])
    return Counter({**(totals + more), "rounds": rounds})


SUMS = (
    *("rounds", "engine_calls", "checks", "checks_over_context"),
    *("answers", "answers_of_other_jobs"),
    *("prompt_tokens", "cached_tokens", "completion_tokens"),
    *("tokens_in", "tokens_before", "tokens_after", "halved", "pairs"),
    *("traces_with_steps", "with_answer_step", "answer_in_last_ten"),
    *("steps_before", "steps_after"),
)


def make_record(rows_in: int, totals: Counter[str]) -> dict:
    """What record.json says. Asserts that no row is lost: in equals out plus dropped."""
    dropped = _named(totals, "dropped: ")
    kept = _named(totals, "kept: ")
    rows_out = totals["rows_out"]
    if rows_in != rows_out + sum(dropped.values()) or rows_out != sum(kept.values()):
        raise AssertionError(f"{rows_in} rows in, {rows_out} out: {kept}, {dropped}")
    record = {name: totals[name] for name in SUMS}
    if totals["cache_unknown"]:
        record["cached_tokens"] = None
    return {
        "rows_in": rows_in,
        "rows_out": rows_out,
        "dropped": dropped,
        "reasons": dict(sorted((Counter(kept) + Counter(dropped)).items())),
        **record,
        "share_pruned_by_half": totals["halved"] / rows_out if rows_out else 0.0,
    }


def _named(totals: Counter[str], kind: str) -> dict[str, int]:
    return {
        name.removeprefix(kind): number
        for name, number in sorted(totals.items())
        if name.startswith(kind)
    }
