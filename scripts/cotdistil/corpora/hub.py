"""Traces of kind `hub`: a data set of the Hugging Face hub at a pinned revision."""

from collections import Counter
from collections.abc import Iterator

from cotdistil.existing_traces import columns_of, match_traces
from cotdistil.job import Job


def write_corpus(job: Job, problems: list[dict], dropped: Counter[str]) -> Iterator[dict]:
    """The traces of the problems, in the data set's order."""
    from cotdistil.hub_dataset import hub_rows

    params = job.params
    rows = hub_rows(
        params["dataset"],
        params["revision"],
        params["config"],
        params["split"],
        columns_of(params),
        job.tell,
    )
    return match_traces(job, rows, problems, dropped)
