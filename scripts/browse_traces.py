"""Make a page to read the traces of a training set in: one file, without a server or a network.

    python scripts/browse_traces.py --manifest results/store/manifests/KEY.json \\
        --out results/store/trace_browsers/KEY/record.json

Writes browser.html: the traces of the training set (as it was before pruning, so that dropped ones
are seen as well), what of each was kept and cut, every verdict of the student at its place, and
whether the teacher's answer is right. Of a large set `traces` of them are shown, evenly spread.
"""

from collections.abc import Iterator

from cotdistil.job import Job, run_job
from cotdistil.parquet_table import count_rows
from cotdistil.trace_browser.account import Account, pruning_account
from cotdistil.trace_browser.chosen_rows import evenly_spread
from cotdistil.trace_browser.page import write_page
from cotdistil.trace_browser.shown_traces import graded, pruned_traces, unpruned_traces

PAGE = "browser.html"


def main() -> None:
    with run_job(__doc__) as job:
        training_set = job.parent("training_set")
        rows = count_rows(training_set / "train.parquet", "training set")
        numbers = evenly_spread(rows, job.params["traces"])
        is_pruned = "pruned" in job.manifest["parents"]
        if is_pruned:
            account, left = pruning_account(job.parent("pruned"), rows, numbers)
            traces = pruned_traces(training_set, job.parent("pruned"), rows, numbers, left)
        else:
            account = Account(rows)
            traces = unpruned_traces(training_set, numbers)
        page = job.staging / PAGE
        told = tell_progress(job, graded(traces, workers=job.threads), len(numbers))
        shown = write_page(page, job.params["title"], account, is_pruned, told)
        job.publish(
            {
                "title": job.params["title"],
                "rows": rows,
                "shown": shown,
                "rows_left": account.rows_left,
                "reasons": dict(account.reasons.most_common()),
                "dropped": dict(account.dropped.most_common()),
                "tokens_before": account.tokens_before,
                "tokens_after": account.tokens_after,
                "bytes": page.stat().st_size,
            }
        )


def tell_progress(job: Job, traces: Iterator[dict], total: int) -> Iterator[dict]:
    """The traces, each counted once it is written."""
    for done, trace in enumerate(traces, start=1):
        yield trace
        job.progress(done, total, "traces")


if __name__ == "__main__":
    main()
