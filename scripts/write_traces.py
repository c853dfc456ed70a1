"""Write a corpus: a teacher's traces for the problems of a set, each graded.

    python scripts/write_traces.py --manifest results/store/manifests/KEY.json \
        --out results/store/corpora/KEY/record.json

Writes traces.parquet: problem_id, question, gold, sample_index, response (in canonical form),
original (as the teacher wrote it; null where it is the same), finish_reason, complete (null where
it is not known), extracted, correct, n_chars (of the response), and what the kind of teacher adds.
"""

import importlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cotdistil.gold_answers import gold_of
from cotdistil.grading.extract import extract_answer
from cotdistil.grading.grader import Grader
from cotdistil.job import run_job

ROWS_TOGETHER = 1000
CHARACTERS_TOGETHER = 16_000_000
COLUMNS = {
    "problem_id": "string",
    "question": "string",
    "gold": "string",
    "sample_index": "int64",
    "response": "string",
    "original": "string",
    "finish_reason": "string",
    "complete": "bool",
    "extracted": "string",
    "correct": "bool",
    "n_chars": "int64",
}
REPEATED = ["problem_id", "question", "gold", "finish_reason"]


def main() -> None:
    with run_job(__doc__) as job:
        from pyarrow import parquet

        kind = importlib.import_module(f"cotdistil.corpora.{job.params['kind']}")
        problems = parquet.read_table(job.parent("problems") / "problems.parquet").to_pylist()
        dropped: Counter[str] = Counter()
        counts: Counter[str] = Counter()
        finish_reasons: Counter[str] = Counter()
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
                    finish_reasons[row["finish_reason"]] += 1
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
                "finish_reasons": dict(finish_reasons),
                **(kind.describe(job) if hasattr(kind, "describe") else {}),
            }
        )


def batched(traces: Iterable[dict]) -> Iterator[list[dict]]:
    """The traces in batches of bounded size, so that memory does not grow with the corpus."""
    batch: list[dict] = []
    characters = 0
    for trace in traces:
        batch.append(trace)
        characters += len(trace["response"]) + len(trace["original"] or "")
        if len(batch) == ROWS_TOGETHER or characters >= CHARACTERS_TOGETHER:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def graded(traces: list[dict], grader: Grader, fallback: Sequence[str]) -> list[dict]:
    """The traces with extracted, correct and n_chars; one that never ends its thinking is not
    complete.

    extracted is None where there is no answer. correct is the source's verdict where it has one,
    else the grader's, and None where nothing decides (see `Verdict`).
    """
    found = [extract_answer(trace["response"], fallback) for trace in traces]
    rated = []
    for trace, extraction in zip(traces, found, strict=True):
        row = {"correct": None, **trace, "extracted": extraction.text}
        row["n_chars"] = len(trace["response"])
        if extraction.how == "unclosed thinking":
            row["complete"] = False
        rated.append(row)
    ungraded = [row for row in rated if row["correct"] is None]
    verdicts = grader.grade_all((gold_of(row["gold"]), row["extracted"]) for row in ungraded)
    for row, verdict in zip(ungraded, verdicts, strict=True):
        row["correct"] = verdict.correct
    return rated


def write_parquet(batches: Iterable[list[dict]], path: Path) -> Iterator[list[dict]]:
    """Write each batch as a row group, and yield it once it is written."""
    import pyarrow
    from pyarrow import parquet

    writer = None
    try:
        for batch in batches:
            if writer is None:
                added = [name for name in batch[0] if name not in COLUMNS]
                values = {name: [row[name] for row in batch] for name in added}
                types = pyarrow.table(values).schema
                schema = pyarrow.schema([*pyarrow.schema(COLUMNS), *types])
                # Of long texts that hardly repeat, a dictionary and least and greatest values cost
                # time and space and find nothing.
                writer = parquet.ParquetWriter(
                    path,
                    schema,
                    compression="zstd",
                    use_dictionary=REPEATED,
                    write_statistics=REPEATED,
                )
            writer.write_table(pyarrow.Table.from_pylist(batch, schema=writer.schema))
            yield batch
    finally:
        if writer is not None:
            writer.close()


if __name__ == "__main__":
    main()
