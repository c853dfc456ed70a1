"""Hold a benchmark's problems out: leave out those that are trained on.

    python scripts/hold_out_problems.py --manifest results/store/manifests/KEY.json \
        --out results/store/held_out/KEY/record.json

Writes problems.parquet, the rows and columns of the benchmark's problems without those that are an
exact match of a training problem, and removed.parquet (as of screen_problems.py), which names them.
"""

from cotdistil.errors import UserError
from cotdistil.job import run_job
from cotdistil.screening.removed import read_problems, write_removed
from cotdistil.screening.screen import hold_out


def main() -> None:
    with run_job(__doc__) as job:
        import pyarrow as pa
        import pyarrow.parquet as pq

        benchmark, training = job.parent("problems"), job.parent_list("training")
        problems = list(read_problems(benchmark))
        trained_on = sum(
            pq.read_metadata(folder / "problems.parquet").num_rows for folder in training
        )
        removals = hold_out(
            problems,
            ((folder.name, read_problems(folder)) for folder in training),
            expressions=job.params["expressions"],
            progress=lambda done: job.progress(done, trained_on, "training problems"),
        )
        held_out = pq.read_table(benchmark / "problems.parquet").filter(
            pa.array([removal is None for removal in removals])
        )
        if not held_out.num_rows:
            raise UserError(
                f"all {len(problems)} problems of the benchmark are problems to train on; expected"
                " some that are not; name another split or file for one of the two"
            )
        pq.write_table(held_out, job.staging / "problems.parquet")
        dropped = write_removed(job.staging / "removed.parquet", removals)
        job.publish({"rows_in": len(problems), "rows_out": held_out.num_rows, "dropped": dropped})


if __name__ == "__main__":
    main()
