"""Screen training problems: repeated ones, and those of benchmarks, are not to be trained on.

    python scripts/screen_problems.py --manifest results/store/manifests/KEY.json \
        --out results/store/screening/KEY/record.json

Writes removed.parquet: problem_id, question, reason, matched_problem_id, matched_question,
matched_in (the key of the benchmark's problem set, "" = the same set), matched (the shared n-gram,
or the similarity), a row per removed problem, in the order of the problems.
"""

from cotdistil.job import run_job
from cotdistil.screening.removed import read_problems, write_removed
from cotdistil.screening.screen import screen


def main() -> None:
    with run_job(__doc__) as job:
        problems = list(read_problems(job.parent("problems")))
        removals = screen(
            problems,
            ((folder.name, read_problems(folder)) for folder in job.parent_list("benchmarks")),
            ngram=job.params["ngram"],
            similarity=job.params["near_duplicates"],
            expressions=job.params["expressions"],
            progress=lambda done: job.progress(done, len(problems), "problems"),
        )
        dropped = write_removed(job.staging / "removed.parquet", removals)
        rows_out = len(problems) - sum(dropped.values())
        if not rows_out:
            job.tell(f"no problem is left of {len(problems)} (removed: {dropped})")
        job.publish({"rows_in": len(problems), "rows_out": rows_out, "dropped": dropped})


if __name__ == "__main__":
    main()
