"""What became of the data: where every row went, what each corpus is, and what it cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NotRequired

from typing_extensions import TypedDict

from cotdistil.broken_files import broken
from cotdistil.checked_rows import read_rows
from cotdistil.errors import UserError
from cotdistil.expected import Count
from cotdistil.parquet_table import count_rows, open_table
from cotdistil.records import read_record

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

LEDGER_COLUMNS = ["stage", "name", "student", "reason", "rows"]
PARTS = ["prompt", "thinking", "answer", "response"]
STATISTICS = ["mean", "median", "p95", "max"]
CORPUS_COLUMNS = [
    *("corpus", "teacher", "problem_set", "problems", "traces", "correct", "undecided"),
    *("without_answer", "problems_solved"),
    *(f"{part}_tokens_{statistic}" for part in PARTS for statistic in STATISTICS),
    *("finish_reasons", "requests", "teacher_prompt_tokens", "teacher_completion_tokens"),
    *("seconds", "cost"),
]
CONTAMINATION_COLUMNS = [
    *("removed_from", "problem_id", "question", "reason", "matched_in"),
    *("matched_problem_id", "matched_question", "matched"),
]


class Account(TypedDict):
    """What is read of any record.json."""

    rows_in: Count
    rows_out: Count
    dropped: dict[str, Count]


class Generation(TypedDict, total=False):
    """What it took to have a corpus written; a count that is not known is None or missing."""

    requests: Count | None
    prompt_tokens: Count | None
    completion_tokens: Count | None
    seconds: float | None


class CorpusRecord(Account):
    """What is read of a corpus's record.json."""

    problems: Count
    correct: Count
    undecided: Count
    without_answer: Count
    finish_reasons: dict[str, Count]
    generation: NotRequired[Generation | None]


class Removed(TypedDict):
    """A row of removed.parquet; see `screening.removed.Removal`."""

    problem_id: str
    question: str
    reason: str
    matched_problem_id: str
    matched_question: str
    matched_in: str
    matched: str


@dataclass(frozen=True)
class Artefact:
    """What rows went through.

    stage: "corpus", "screening", "benchmark" or "training set". student: "" where none is meant.
    address: its place in the store, for messages.
    """

    stage: str
    name: str
    student: str
    address: str
    record: Account


def ledger_rows(artefact: Artefact) -> list[dict]:
    """The artefact's rows of ledger.csv: "rows in", each reason to drop a row, "rows out".

    Raises `UserError` unless the rows that came in are those that came out and those dropped.
    """
    record = artefact.record
    rows_in, rows_out, dropped = (record[name] for name in ("rows_in", "rows_out", "dropped"))
    if rows_in != rows_out + sum(dropped.values()):
        raise UserError(
            f"{artefact.stage} '{artefact.name}' ({artefact.address}): found {rows_in} rows in,"
            f" {rows_out} out and {sum(dropped.values())} dropped ({dropped}); expected every row"
            f" to be accounted for; make it again: clean_store.py --remake {artefact.address}"
        )
    whose = {"stage": artefact.stage, "name": artefact.name, "student": artefact.student}
    counts = [("rows in", rows_in), *dropped.items(), ("rows out", rows_out)]
    return [whose | {"reason": reason, "rows": rows} for reason, rows in counts]


@dataclass(frozen=True)
class Traces:
    """What the tables need of a corpus's traces, one entry per trace.

    tokens: part ("prompt", "thinking", "answer", "response") -> tokens, int64, shape (n,).
    correct, wrong: bool, shape (n,); neither where the grader could not decide.
    solved: number of problems with a correct trace.
    """

    tokens: dict[str, np.ndarray]
    correct: np.ndarray
    wrong: np.ndarray
    solved: int


def read_traces(corpus: Path, token_counts: Path, name: str, recorded: int) -> Traces:
    """Verdicts and lengths, without the texts. recorded: rows that the corpus's record counts.

    Raises `UserError` if the token counts are not of these traces, row by row, or either file is
    not as its stage writes it.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    names = [f"{part}_tokens" for part in PARTS]
    ids = ["problem_id", "sample_index"]
    traces = open_table(corpus / "traces.parquet", [*ids, "correct"], "corpora")
    tokens = open_table(token_counts / "tokens.parquet", [*ids, *names], "token_counts")
    verdicts, counts = traces.read([*ids, "correct"]), tokens.read([*ids, *names])
    if not counts.select(ids).equals(verdicts.select(ids)):
        raise UserError(
            f"corpus '{name}': {token_counts / 'tokens.parquet'} has {counts.num_rows} rows that"
            f" are not those of the {verdicts.num_rows} traces in {corpus}; expected one per trace,"
            f" in the same order; make the counts again: clean_store.py --remake"
            f" token_counts/{token_counts.name}"
        )
    _expect_rows(traces.path, verdicts.num_rows, recorded)
    _expect(traces.path, verdicts, ["correct"], pa.bool_(), nullable=True)
    _expect(tokens.path, counts, names, pa.int64(), nullable=False)
    correct = pc.fill_null(verdicts["correct"], False)
    wrong = pc.fill_null(pc.invert(verdicts["correct"]), False)
    return Traces(
        {part: counts[f"{part}_tokens"].to_numpy() for part in PARTS},
        correct.to_numpy(),
        wrong.to_numpy(),
        len(verdicts["problem_id"].filter(correct).unique()),
    )


def _expect_rows(path: Path, rows: int, recorded: int) -> None:
    if rows != recorded:
        raise broken(path, f"found {rows} rows; expected {recorded}, as its record counts")


def _expect(
    path: Path, table: pa.Table, names: list[str], kind: pa.DataType, nullable: bool
) -> None:
    for name in names:
        found = table[name]
        if found.type != kind:
            raise broken(path, f"found {found.type} in {name}; expected {kind}")
        if found.null_count and not nullable:
            raise broken(path, f"found {found.null_count} nulls in {name}; expected none")


def corpus_row(corpus: Mapping, record: CorpusRecord, traces: Traces) -> dict:
    """A row of corpora.csv.

    corpus: name, teacher, problems (the set's name) and price (`prompt` and `completion` per
    million tokens, or None). `problems_solved` is the share of the problems, in [0, 1], that have a
    correct trace. A median or p95 is the smallest count that at least 50 % or 95 % of the traces
    do not exceed, and of thinking and answer too it is over all traces. What is not known is None.
    """
    generation = record.get("generation") or {}
    row = {
        "corpus": corpus["name"],
        "teacher": corpus["teacher"],
        "problem_set": corpus["problems"],
        "problems": record["problems"],
        "traces": record["rows_out"],
        "correct": record["correct"],
        "undecided": record["undecided"],
        "without_answer": record["without_answer"],
        "problems_solved": traces.solved / record["problems"] if record["problems"] else None,
    }
    for part in PARTS:
        row |= {f"{part}_tokens_{k}": v for k, v in length_statistics(traces.tokens[part]).items()}
    return row | {
        "finish_reasons": "; ".join(f"{k}: {n}" for k, n in record["finish_reasons"].items()),
        "requests": generation.get("requests"),
        "teacher_prompt_tokens": generation.get("prompt_tokens"),
        "teacher_completion_tokens": generation.get("completion_tokens"),
        "seconds": generation.get("seconds"),
        "cost": cost_of(generation, corpus["price"]),
    }


def length_statistics(tokens: np.ndarray) -> dict[str, float | int | None]:
    """Mean, median, p95 and max; a median or p95 is one of the counts (see `corpus_row`)."""
    import numpy as np

    if not len(tokens):
        return dict.fromkeys(STATISTICS)
    median, p95 = np.quantile(tokens, [0.5, 0.95], method="inverted_cdf")
    return {
        "mean": float(tokens.mean()),
        "median": int(median),
        "p95": int(p95),
        "max": int(tokens.max()),
    }


def cost_of(generation: Mapping, price: Mapping | None) -> float | None:
    """What the teacher's tokens cost, in the currency of the price; None where that is not known.

    generation: prompt_tokens and completion_tokens, as the teacher counted them.
    price: `prompt` and `completion`, per million tokens.
    """
    counts = [generation.get(f"{kind}_tokens") for kind in ("prompt", "completion")]
    if price is None or None in counts:
        return None
    return (counts[0] * price["prompt"] + counts[1] * price["completion"]) / 1_000_000


def contamination_rows(
    stage: str, removed_from: str, matched: Mapping[str, str], folder: Path
) -> Iterator[dict]:
    """The rows of contamination.csv: what was removed, and what each row matched.

    stage: "screening" or "held_out". removed_from: name of the problem set or benchmark.
    matched: store key -> name of what its problems were compared with; `matched_in` is "" where the
    match is in the same problem set. Raises `UserError` if the rows are not those that the record
    counts, or one matched something else.
    """
    path = folder / "removed.parquet"
    recorded = sum(read_record(folder, Account)["dropped"].values())
    _expect_rows(path, count_rows(path, stage), recorded)
    names = {"": "", **matched}
    for rows in read_rows(path, Removed, stage):
        for row in rows:
            key = row.pop("matched_in")
            if key not in names:
                raise broken(
                    path,
                    f"found problem {row['problem_id']} of '{removed_from}' matched in '{key}';"
                    f" expected one of {sorted(names)[1:]}",
                )
            yield {"removed_from": removed_from, "matched_in": names[key], **row}
