"""Traces of kind `file`: written before, by any teacher, and matched to problems by question."""

from collections import Counter
from collections.abc import Iterator

from cotdistil.existing_traces import columns_of, match_traces
from cotdistil.job import Job
from cotdistil.local_table import read_rows


def write_corpus(job: Job, problems: list[dict], dropped: Counter[str]) -> Iterator[dict]:
    """The traces of the problems, in the file's order."""
    rows = read_rows(job.source("traces"), job.params["format"], columns_of(job.params))
    return match_traces(job, rows, problems, dropped)
