"""What pruning leaves of each trace, and what its tables and its record say of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from cotdistil.pruning.binary_cut import CUT, NOT_VALIDATED, WHOLE, Cutter
from cotdistil.pruning.rounds import Check
from cotdistil.pruning.traces import Trace
from cotdistil.responses import join_response

if TYPE_CHECKING:
    import pyarrow as pa

Conclusion = Literal["teacher", "student"]


def pruned_response(
    trace: Trace, search: Cutter, checks: Sequence[Check], conclusion: Conclusion
) -> str | None:
    """The response that is left of a trace, or None if it is dropped.

    checks: those of this trace. After a validated cut follows the teacher's
    answer as it was, or what the student wrote when it validated that cut (the first of its right
    answers). The paper does not say which of the two it used.
    """
    if search.result is None:
        return None
    validated = search.reason in (CUT, WHOLE)
    if validated and conclusion == "student":
        answer = _students_answer(search.result, checks)
        return join_response(trace.thinking(search.result), answer)
    if search.reason == CUT:
        return join_response(trace.thinking(search.result), trace.answer)
    return trace.row["response"]


def _students_answer(steps: int, checks: Sequence[Check]) -> str:
    check = next(check for check in checks if check.valid and check.steps == steps)
    return check.answers[check.right.index(True)]


def trace_summary(trace: Trace, search: Cutter, tokens_after: int | None) -> dict:
    """The row of traces.parquet. What is dropped has no steps and no tokens afterwards (null)."""
    return {
        "problem_id": trace.row["problem_id"],
        "n_steps": len(trace.steps),
        "kept_steps": search.result,
        "reason": trace.uncuttable or search.reason,
        "tokens_before": trace.tokens,
        "tokens_after": tokens_after,
    }


def round_rows(traces: Sequence[Trace], rounds: Sequence[Sequence[Check]]) -> list[dict]:
    """The rows of rounds.parquet: one per validated cut."""
    ids = {trace.number: trace.row["problem_id"] for trace in traces}
    return [
        {
            "problem_id": ids[check.trace],
            "round": number,
            "prefix_steps": check.steps,
            "answers": check.answers,
            "extracted": check.extracted,
            "right": check.right,
            "valid": check.valid,
            "prompt_tokens": check.prompt_tokens,
            "completion_tokens": check.completion_tokens,
        }
        for number, checks in enumerate(rounds)
        for check in checks
    ]


def table_schemas(training_set: pa.Schema) -> dict[str, pa.Schema]:
    """The columns of the payload's files, by name without `.parquet`."""
    import pyarrow as pa

    problem_id = training_set.field("problem_id")
    return {
        "train": training_set.remove_metadata(),
        "traces": pa.schema(
            [
                problem_id,
                ("n_steps", pa.int64()),
                ("kept_steps", pa.int64()),
                ("reason", pa.string()),
                ("tokens_before", pa.int64()),
                ("tokens_after", pa.int64()),
            ]
        ),
        "rounds": pa.schema(
            [
                problem_id,
                ("round", pa.int64()),
                ("prefix_steps", pa.int64()),
                ("answers", pa.list_(pa.string())),
                ("extracted", pa.list_(pa.string())),
                ("right", pa.list_(pa.bool_())),
                ("valid", pa.bool_()),
                ("prompt_tokens", pa.int64()),
                ("completion_tokens", pa.int64()),
            ]
        ),
    }


def add_up(summaries: Sequence[dict], rounds: Sequence[Sequence[Check]]) -> Counter[str]:
    """Sums over the traces of one chunk and the checks of its rounds."""
    totals: Counter[str] = Counter(rounds=len(rounds))
    for row in summaries:
        totals[f"reason: {row['reason']}"] += 1
        totals["tokens in"] += row["tokens_before"]
        if row["kept_steps"] is not None:
            totals["rows out"] += 1
            totals["tokens before"] += row["tokens_before"]
            totals["tokens after"] += row["tokens_after"]
            totals["halved"] += 2 * row["tokens_after"] < row["tokens_before"]
    for check in (check for checks in rounds for check in checks):
        totals["cuts validated"] += 1
        totals["answers"] += len(check.answers)
        totals["prompt tokens"] += check.prompt_tokens * len(check.answers)
        totals["completion tokens"] += check.completion_tokens
        totals["over context"] += check.valid is None
    return totals


def make_record(rows_in: int, totals: Counter[str], invalid: str) -> dict:
    """What record.json says. Asserts that no row is lost: in equals out plus dropped."""
    reasons = {
        name.removeprefix("reason: "): number
        for name, number in sorted(totals.items())
        if name.startswith("reason: ")
    }
    rows_out = totals["rows out"]
    dropped = {NOT_VALIDATED: reasons.get(NOT_VALIDATED, 0) if invalid == "drop" else 0}
    if rows_in != rows_out + sum(dropped.values()) or rows_in != sum(reasons.values()):
        raise AssertionError(f"{rows_in} rows in, {rows_out} out, {dropped}, {reasons}")
    return {
        "rows_in": rows_in,
        "rows_out": rows_out,
        "dropped": dropped,
        "reasons": reasons,
        "rounds": totals["rounds"],
        "cuts_validated": totals["cuts validated"],
        "cuts_over_context": totals["over context"],
        "answers": totals["answers"],
        "prompt_tokens": totals["prompt tokens"],
        "completion_tokens": totals["completion tokens"],
        "tokens_in": totals["tokens in"],
        "tokens_before": totals["tokens before"],
        "tokens_after": totals["tokens after"],
        "share_pruned_by_half": totals["halved"] / rows_out if rows_out else 0.0,
    }
