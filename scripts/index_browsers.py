"""Make the table of contents over the pages of an experiment's training sets.

    python scripts/index_browsers.py --manifest results/store/manifests/KEY.json \\
        --out results/store/trace_index/KEY/record.json

Writes index.html: for each training set a link to its page, how many traces it has and shows, how
many pruning left, with what share of their tokens, and why. Publishing puts the pages beside it.
"""

from cotdistil.job import run_job
from cotdistil.records import read_record
from cotdistil.trace_index import BrowserRecord, write_index


def main() -> None:
    with run_job(__doc__) as job:
        browsers = job.parent_list("browsers")
        records = [read_record(folder, BrowserRecord) for folder in browsers]
        write_index(job.staging / "index.html", job.params["pages"], records)
        job.publish({"pages": len(records)})


if __name__ == "__main__":
    main()
