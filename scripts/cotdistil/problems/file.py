"""Problem sets of kind `file`: a local table."""

from itertools import islice

from cotdistil.job import Job
from cotdistil.local_table import read_rows
from cotdistil.problem_set import ProblemSet, problems_from_rows


def make_problems(job: Job) -> ProblemSet:
    params = job.params
    columns = [params[name] for name in ("question", "answer", "id") if params[name] is not None]
    rows = read_rows(job.source("problems"), params["format"], columns)
    return problems_from_rows(
        islice(rows, params["limit"]), params["question"], params["answer"], params["id"]
    )
