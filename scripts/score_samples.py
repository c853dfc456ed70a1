"""Grade the samples of a benchmark: find each answer and compare it with the gold answer.

    python scripts/score_samples.py --manifest results/store/manifests/KEY.json \
        --out results/store/scores/KEY/record.json
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from cotdistil.gold_answers import gold_of
from cotdistil.grading.extract import extract_answer
from cotdistil.grading.grader import Grader
from cotdistil.job import run_job
from cotdistil.parquet_table import BATCH_ROWS, open_table, read_batches

COLUMNS = ("problem_id", "sample_index", "gold", "response", "token_count", "finish_reason")


def main() -> None:
    with run_job(__doc__) as job:
        import pyarrow as pa
        import pyarrow.parquet as pq

        started = time.monotonic()
        source = job.parent("samples") / "samples.parquet"
        samples = open_table(source, COLUMNS, "samples")
        rows_in, rows_out = samples.metadata.num_rows, 0
        tiers: Counter[str] = Counter()
        schema = scores_schema(samples.schema_arrow)
        with (
            Grader(
                timeout=job.params["timeout_seconds"],
                workers=max(1, job.threads),
                relative_tolerance=job.params["relative_tolerance"],
                algebra=job.params["algebra"],
            ) as grader,
            pq.ParquetWriter(job.staging / "scores.parquet", schema) as writer,
        ):
            for batch in read_batches(samples, BATCH_ROWS, COLUMNS):
                scores = list(
                    score_rows(
                        batch.to_pylist(),
                        grader,
                        job.params["fallback"],
                        job.params["score_truncated"],
                    )
                )
                tiers.update(score["tier"] for score in scores)
                writer.write_table(pa.Table.from_pylist(scores, schema=schema))
                rows_out += len(scores)
                job.progress(rows_out, rows_in, "samples")
        assert rows_out == rows_in, f"{rows_in} samples came in and {rows_out} scores went out"
        job.publish(
            {
                "rows_in": rows_in,
                "rows_out": rows_out,
                "dropped": {},
                "tiers": dict(sorted(tiers.items())),
                "seconds": time.monotonic() - started,
            }
        )


def score_rows(
    rows: Sequence[dict[str, Any]], grader: Grader, fallback: Sequence[str], score_truncated: bool
) -> Iterator[dict[str, Any]]:
    """One score per sample, in order.

    A sample that the token limit cut (finish_reason "length") is wrong unless `score_truncated`;
    its answer is extracted all the same, and its tier is "none" when it is not graded.
    """
    extractions = [extract_answer(row["response"], fallback) for row in rows]
    truncated = [row["finish_reason"] == "length" for row in rows]
    verdicts = grader.grade_all(
        (gold_of(row["gold"]), extraction.text if score_truncated or not cut else None)
        for row, extraction, cut in zip(rows, extractions, truncated, strict=True)
    )
    for row, extraction, cut, verdict in zip(rows, extractions, truncated, verdicts, strict=True):
        yield {
            "problem_id": row["problem_id"],
            "sample_index": row["sample_index"],
            "gold": row["gold"],
            "extracted": extraction.text,
            "correct": verdict.correct is True,
            "tier": verdict.tier,
            "error": verdict.error,
            "truncated": cut,
            "unparsed": extraction.text is None,
            "token_count": row["token_count"],
        }


def scores_schema(samples: Any) -> Any:
    """The Arrow schema of scores.parquet; what is copied keeps the type that `samples` gives it."""
    import pyarrow as pa

    copied = {name: samples.field(name).type for name in COLUMNS}
    return pa.schema(
        [
            ("problem_id", copied["problem_id"]),
            ("sample_index", copied["sample_index"]),
            ("gold", copied["gold"]),
            ("extracted", pa.string()),
            ("correct", pa.bool_()),
            ("tier", pa.string()),
            ("error", pa.string()),
            ("truncated", pa.bool_()),
            ("unparsed", pa.bool_()),
            ("token_count", copied["token_count"]),
        ]
    )


if __name__ == "__main__":
    main()
