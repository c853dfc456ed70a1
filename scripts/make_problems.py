"""Make a problem set: questions with gold answers.

    python scripts/make_problems.py --manifest results/store/manifests/KEY.json \
        --out results/store/problems/KEY/record.json

Writes problems.parquet (problem_id, question, gold; for arithmetic also expression, n_operations)
and, where rows were dropped, dropped.parquet (row, problem_id, reason).
"""

import importlib
from collections import Counter

from cotdistil.errors import UserError
from cotdistil.job import run_job


def main() -> None:
    with run_job(__doc__) as job:
        import pandas

        kind = importlib.import_module(f"cotdistil.problems.{job.params['kind']}")
        result = kind.make_problems(job)
        reasons = dict(Counter(row["reason"] for row in result.dropped))
        if not result.problems:
            raise UserError(
                f"no problem is left of {result.rows_in} rows (dropped: {reasons or 'none'});"
                " expected at least one; check the columns that the config names"
            )
        pandas.DataFrame(result.problems).to_parquet(job.staging / "problems.parquet", index=False)
        if result.dropped:
            dropped = pandas.DataFrame(result.dropped)
            dropped.to_parquet(job.staging / "dropped.parquet", index=False)
        job.publish(
            {"rows_in": result.rows_in, "rows_out": len(result.problems), "dropped": reasons}
        )


if __name__ == "__main__":
    main()
