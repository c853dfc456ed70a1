"""Write a corpus: a teacher's traces for the problems of a set, each graded.

    python scripts/write_traces.py --manifest results/store/manifests/KEY.json \
        --out results/store/corpora/KEY/record.json

Writes traces.parquet: problem_id, question, gold, sample_index, response, thinking, answer,
finish_reason, extracted, correct, n_chars, and what the kind of teacher adds.
"""

import importlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from cotdistil.gold_answers import gold_of
from cotdistil.grading.extract import extract_answer
from cotdistil.grading.grader import Grader
from cotdistil.job import run_job

ROWS_IN_MEMORY = 1000
COLUMNS = {
    "problem_id": "string",
    "question": "string",
    "gold": "string",
    "sample_index": "int64",
    "response": "string",
    "thinking": "string",
    "answer": "string",
    "finish_reason": "string",
    "extracted": "string",
    "correct": "bool",
    "n_chars": "int64",
}


def main() -> None:
    with run_job(__doc__) as job:
        from pyarrow import parquet

        kind = importlib.import_module(f"cotdistil.corpora.{job.params['kind']}")
        problems = parquet.read_table(job.parent("problems") / "problems.parquet").to_pylist()
        dropped: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        answered: set[str] = set()
        with Grader(workers=job.threads) as grader:
            batches = batched(kind.write_corpus(job, problems, dropped))
            rated = (graded(rows, grader, job.params.get("fallback", ())) for rows in batches)
            for rows in write_parquet(rated, job.staging / "traces.parquet"):
                for row in rows:
                    counts["traces"] += 1
                    counts["correct"] += row["correct"] is True
                    counts["undecided"] += row["correct"] is None
                    counts["without_answer"] += row["extracted"] is None
                    counts["characters"] += row["n_chars"]
                    answered.add(row["problem_id"])
                job.progress(len(answered), len(problems), "problems")
        job.publish(
            {
                "rows_in": counts["traces"] + dropped.total(),
                "rows_out": counts["traces"],
                "dropped": dict(dropped),
                "correct": counts["correct"],
                "undecided": counts["undecided"],
                "without_answer": counts["without_answer"],
                "characters": counts["characters"],
                "problems": len(problems),
                "problems_without_trace": len(problems) - len(answered),
            }
        )


def batched(traces: Iterable[dict]) -> Iterator[list[dict]]:
    """The traces in batches, so that memory does not grow with the corpus."""
    traces = iter(traces)
    while batch := list(islice(traces, ROWS_IN_MEMORY)):
        yield batch


def graded(traces: list[dict], grader: Grader, fallback: Sequence[str]) -> list[dict]:
    """The traces with extracted, correct and n_chars.

    extracted is None where there is no answer, correct where nothing decides (see `Verdict`).
    """
    extracted = [extract_answer(trace["response"], fallback).text for trace in traces]
    golds = [gold_of(trace["gold"]) for trace in traces]
    verdicts = grader.grade_all(zip(golds, extracted, strict=True))
    return [
        trace | {"extracted": answer, "correct": verdict.correct, "n_chars": len(trace["response"])}
        for trace, answer, verdict in zip(traces, extracted, verdicts, strict=True)
    ]


def write_parquet(batches: Iterable[list[dict]], path: Path) -> Iterator[list[dict]]:
    """Write the batches, and yield each once it is written."""
    import pyarrow
    from pyarrow import parquet

    writer = None
    try:
        for batch in batches:
            if writer is None:
                types = {
                    field.name: field.type for field in pyarrow.Table.from_pylist(batch).schema
                }
                writer = parquet.ParquetWriter(path, pyarrow.schema({**types, **COLUMNS}))
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=writer.schema))
            yield batch
    finally:
        if writer is not None:
            writer.close()


if __name__ == "__main__":
    main()
