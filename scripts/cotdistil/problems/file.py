"""Problem sets of kind `file`: a local table."""

from cotdistil.job import Job
from cotdistil.local_table import read_table, require_columns
from cotdistil.problem_set import ProblemSet, problems_from_rows


def make_problems(job: Job) -> ProblemSet:
    params = job.params
    columns = [params[name] for name in ("question", "answer", "id") if params[name] is not None]
    table = read_table(job.source("problems"), params["format"], job.work / "datasets")
    require_columns(table.column_names, columns, "the problem file")
    table = table.select_columns(columns)
    if params["limit"] is not None:
        table = table.select(range(min(params["limit"], len(table))))
    return problems_from_rows(table, params["question"], params["answer"], params["id"])
