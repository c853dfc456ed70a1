"""The traces that a page shows, each with all that is known of it, read as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path

from typing_extensions import TypedDict

from cotdistil.broken_files import broken
from cotdistil.expected import Count
from cotdistil.gold_answers import gold_of
from cotdistil.grading.extract import FALLBACKS, extract_answer
from cotdistil.grading.grader import Grader
from cotdistil.pruning.payload import STAGE, Round, Summary, rounds_fault
from cotdistil.pruning.steps import split_steps
from cotdistil.pruning.traces import Texts
from cotdistil.responses import Response, split_response
from cotdistil.trace_browser.chosen_rows import rows_at, rows_by_trace
from cotdistil.trace_browser.verdict_places import verdict_places

GRADED_TOGETHER = 64


class Remaining(TypedDict):
    """A row of a pruned training set, as far as it is shown."""

    problem_id: str
    response: str


class Stepped(Summary):
    """What pruning says of a trace, and where its steps end."""

    problem_id: str
    step_ends: list[Count]


def unpruned_traces(training_set: Path, numbers: Sequence[int]) -> Iterator[dict]:
    """The traces in these rows of a training set; all of each is kept."""
    rows = rows_at(training_set / "train.parquet", Texts, "training set", numbers)
    for number, row in zip(numbers, rows, strict=True):
        parts = split_response(row["response"])
        yield _trace(number, row, parts, split_steps(parts.thinking) if parts.thinking else [])


def pruned_traces(
    training_set: Path,
    pruned: Path,
    traces: int,
    numbers: Sequence[int],
    left: Sequence[int | None],
) -> Iterator[dict]:
    """The traces in these rows of a training set of `traces`, with what pruning made of them.

    left: the row of each in what pruning left, None where it is dropped. Raises `UserError` if the
    two do not belong together.
    """
    rows = rows_at(training_set / "train.parquet", Texts, "training set", numbers)
    summaries = rows_at(pruned / "traces.parquet", Stepped, STAGE, numbers)
    rows_left = [number for number in left if number is not None]
    remains = rows_at(pruned / "train.parquet", Remaining, STAGE, rows_left)
    rounds = rows_by_trace(pruned / "rounds.parquet", Round, STAGE, numbers, traces)
    asked = next(rounds, None)
    for number, row, summary, row_left in zip(numbers, rows, summaries, left, strict=True):
        remaining = None if row_left is None else next(remains)
        about: list[Round] = []
        if asked is not None and asked[0] == number:
            about, asked = asked[1], next(rounds, None)
        parts = split_response(row["response"])
        _check(pruned, number, row, summary, remaining, parts.thinking or "")
        if fault := rounds_fault(about, summary):
            raise broken(pruned / "rounds.parquet", f"row {number}: {fault}")
        yield _pruned_trace(_trace(number, row, parts, []), summary, remaining, about)


def _check(
    pruned: Path,
    number: int,
    row: Texts,
    summary: Stepped,
    remaining: Remaining | None,
    thinking: str,
) -> None:
    path = pruned / "traces.parquet"
    ids = [each["problem_id"] for each in (row, summary, remaining) if each is not None]
    if len(set(ids)) > 1:
        found = ", ".join(dict.fromkeys(ids))
        raise broken(path, f"row {number}: found it about {found}; expected one problem")
    ends = summary["step_ends"]
    ascend = ends == sorted(ends) and ends[-1:] in ([], [len(thinking)])
    if not ascend or len(ends) != summary["n_steps"]:
        raise broken(
            path,
            f"row {number}: found {len(ends)} step_ends that end with {ends[-3:]}; expected"
            f" {summary['n_steps']} ascending to {len(thinking)}, the thinking's characters",
        )


def _trace(number: int, row: Texts, parts: Response, steps: list[str]) -> dict:
    """A trace of which everything is kept.

    thinking: where it has no steps. kept: spans of steps; None: the trace is dropped. after: what
    follows the cut, if it is not the teacher's conclusion.
    """
    return {
        "row": number,
        "id": row["problem_id"],
        "question": row["question"],
        "gold": row["gold"],
        "response": row["response"],
        "steps": steps,
        "thinking": None if steps else parts.thinking,
        "unfinished": parts.think == "unclosed",
        "kept": [[0, len(steps)]] if steps else [],
        "conclusion": parts.answer,
        "after": None,
        "reason": None,
        "tokens": None,
        "tokens_after": None,
        "first_answer_step": None,
        "rounds": [],
    }


def _pruned_trace(
    trace: dict, summary: Stepped, remaining: Remaining | None, rounds: Sequence[Round]
) -> dict:
    edges = [0, *summary["step_ends"]]
    steps = [trace["thinking"][begin:end] for begin, end in pairwise(edges)]
    after = split_response(remaining["response"]).answer if remaining else None
    places = verdict_places(rounds, len(steps))
    return trace | {
        "steps": steps,
        "thinking": None if steps else trace["thinking"],
        "kept": summary["kept_spans"],
        "after": None if after == trace["conclusion"] else after,
        "reason": summary["reason"],
        "tokens": summary["tokens_before"],
        "tokens_after": summary["tokens_after"],
        "first_answer_step": summary["first_answer_step"],
        "rounds": [_round(*each) for each in zip(rounds, places, strict=True)],
    }


def _round(row: Round, place: int) -> dict:
    """place: after how many steps the verdict stands."""
    renamed = {"kept_spans": "asked"}
    named = {renamed.get(name, name): value for name, value in row.items() if name != "row"}
    return {**named, "place": place}


def graded(traces: Iterator[dict], workers: int) -> Iterator[dict]:
    """The traces with what the teacher answered, where that stands, and whether it is right.

    verdict: "correct", "wrong", "no answer", or "undecided" where the gold answer cannot be read.
    """
    words = {True: "correct", False: "wrong", None: "undecided"}
    with Grader(workers=workers) as grader:
        while together := list(islice(traces, GRADED_TOGETHER)):
            found = [extract_answer(trace["response"], FALLBACKS) for trace in together]
            verdicts = grader.grade_all(
                (gold_of(trace["gold"]), answer.text)
                for trace, answer in zip(together, found, strict=True)
            )
            for trace, answer, verdict in zip(together, found, verdicts, strict=True):
                word = "no answer" if answer.text is None else words[verdict.correct]
                yield trace | {"answer": answer.text, "answer_from": answer.how, "verdict": word}
