"""Ask math-verify for a second opinion on every graded answer of a benchmark's samples.

    python scripts/audit_scores.py --manifest results/store/manifests/KEY.json \
        --out results/store/second_opinions/KEY/record.json

Writes opinions.parquet: problem_id, sample_index, math_verify (true, false, or null where it said
nothing) and error. math-verify runs in a Python of its own: `make math-verify` sets it up.
"""

from collections import Counter

from cotdistil.gold_answers import gold_of
from cotdistil.graded_answers import count_rows, graded_answers
from cotdistil.grading.second_opinions.math_verify_client import MathVerify
from cotdistil.job import run_job


def main() -> None:
    with run_job(__doc__) as job:
        import pyarrow as pa
        import pyarrow.parquet as pq

        scores = job.parent("scores") / "scores.parquet"
        rows_in, rows_out = count_rows(scores), 0
        left_out: Counter[str] = Counter()
        verdicts: Counter[str] = Counter()
        schema = pa.schema(
            [
                ("problem_id", pa.string()),
                ("sample_index", pa.int32()),
                ("math_verify", pa.bool_()),
                ("error", pa.string()),
            ]
        )
        with (
            MathVerify(timeout=job.params["timeout_seconds"]) as math_verify,
            pq.ParquetWriter(job.staging / "opinions.parquet", schema) as writer,
        ):
            for rows in graded_answers(scores, left_out):
                found = opinions(rows, math_verify)
                verdicts.update(str(row["math_verify"]) for row in found)
                writer.write_table(pa.Table.from_pylist(found, schema=schema))
                rows_out += len(found)
                job.progress(rows_out + left_out.total(), rows_in, "samples")
        assert rows_in == rows_out + left_out.total()
        job.publish(
            {
                "rows_in": rows_in,
                "rows_out": rows_out,
                "dropped": dict(sorted(left_out.items())),
                "right": verdicts["True"],
                "wrong": verdicts["False"],
                "without_a_verdict": verdicts["None"],
                "math_verify": math_verify.version,
            }
        )


def opinions(rows: list[dict], math_verify: MathVerify) -> list[dict]:
    """A row of opinions.parquet for each row of scores.parquet, in order."""
    found = math_verify.opinions((gold_of(row["gold"]), row["extracted"]) for row in rows)
    return [
        {
            "problem_id": row["problem_id"],
            "sample_index": row["sample_index"],
            "math_verify": opinion.correct,
            "error": opinion.error,
        }
        for row, opinion in zip(rows, found, strict=True)
    ]


if __name__ == "__main__":
    main()
