"""What a pruned training set says of its traces, as who reads it may rely on it."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from typing_extensions import TypedDict

from cotdistil.broken_files import broken
from cotdistil.checked_rows import read_rows
from cotdistil.expected import Count
from cotdistil.pruning.cutters import count_steps

STAGE = "pruned training set"
Spans = list[list[Count]]


class Summary(TypedDict):
    """A row of traces.parquet, but for where its steps end."""

    row: Count
    n_steps: Count
    kept_spans: Spans | None
    kept_steps: Count | None
    reason: str
    first_answer_step: Count | None
    calls: Count
    tokens_before: Count
    tokens_after: Count | None


class Round(TypedDict):
    """A row of rounds.parquet."""

    row: Count
    round: Count
    kept_spans: Spans
    greedy: bool
    answers: list[str]
    extracted: list[str | None]
    right: list[bool]
    valid: bool | None
    prompt_tokens: Count
    cached_tokens: Count | None
    completion_tokens: Count


class Cost(TypedDict):
    seconds: float
    gpus: Count


class Record(TypedDict):
    """What is read of record.json."""

    rows_in: Count
    rows_out: Count
    dropped: dict[str, Count]
    reasons: dict[str, Count]
    engine_calls: Count
    checks: Count
    checks_over_context: Count
    answers: Count
    answers_of_other_jobs: Count
    prompt_tokens: Count
    cached_tokens: Count | None
    completion_tokens: Count
    tokens_in: Count
    tokens_before: Count
    tokens_after: Count
    halved: Count
    pairs: Count
    traces_with_steps: Count
    with_answer_step: Count
    answer_in_last_ten: Count
    steps_before: Count
    steps_after: Count
    cost: Cost


def read_summaries(pruned: Path) -> Iterator[list[Summary]]:
    """The rows of traces.parquet, in lists. Raises `UserError` for one that contradicts itself."""
    path = pruned / "traces.parquet"
    number = 0
    for rows in read_rows(path, Summary, STAGE):
        for row in rows:
            if fault := _fault(row, number):
                raise broken(path, f"row {number}: {fault}")
            number += 1
        yield rows


def rounds_fault(rounds: Sequence[Round], trace: Summary) -> str:
    """What in the rounds about a trace does not belong to it; "" if nothing."""
    for number, each in enumerate(rounds):
        if each["round"] != number:
            return f"found round {each['round']}; expected round {number}"
        if not are_spans(each["kept_spans"], trace["n_steps"]):
            return f"found kept_spans {each['kept_spans']}; expected {_spans_of(trace)}"
        samples = {name: len(each[name]) for name in ("answers", "extracted", "right")}
        if len(set(samples.values())) > 1:
            found = ", ".join(f"{count} {name}" for name, count in samples.items())
            return f"found {found} in round {number}; expected as many of each"
    validated = sum(each["valid"] is not None for each in rounds)
    if validated != trace["calls"]:
        return f"found {validated} validated cuts; expected {trace['calls']}, its calls"
    return ""


def are_spans(spans: Sequence[Sequence[int]], n_steps: int) -> bool:
    """Whether these are disjoint [start, end), ascending, of steps from 0 to `n_steps` - 1."""
    edges = [edge for span in spans for edge in span]
    each = all(len(span) == 2 and span[0] < span[1] for span in spans)
    return each and edges == sorted(edges) and (not edges or 0 <= edges[0] <= edges[-1] <= n_steps)


def _fault(row: Summary, number: int) -> str:
    """What in the row with this number cannot be true, and what was expected; "" if nothing."""
    kept, n_steps, first = row["kept_spans"], row["n_steps"], row["first_answer_step"]
    if row["row"] != number:
        return f"found it numbered {row['row']}; expected {number}"
    nulls = [name for name in ("kept_spans", "kept_steps", "tokens_after") if row[name] is None]
    if len(nulls) not in (0, 3):
        return (
            f"found null in {' and '.join(nulls)} alone; expected kept_spans, kept_steps and"
            " tokens_after to be null together, where the trace is dropped"
        )
    if kept is not None and not are_spans(kept, n_steps):
        return f"found kept_spans {kept}; expected {_spans_of(row)}"
    if kept is not None and count_steps(kept) != row["kept_steps"]:
        return f"found kept_steps {row['kept_steps']}; expected {count_steps(kept)}, as in {kept}"
    if first is not None and not 1 <= first <= n_steps:
        return f"found first_answer_step {first}; expected 1 to {n_steps}"
    return ""


def _spans_of(trace: Summary) -> str:
    return f"ascending spans [start, end) of {trace['n_steps']} steps"
