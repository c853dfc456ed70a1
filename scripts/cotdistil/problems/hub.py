"""Problem sets of kind `hub`: a data set of the Hugging Face hub at a pinned revision."""

from itertools import islice

from cotdistil.hub_dataset import hub_rows
from cotdistil.job import Job
from cotdistil.problem_set import ProblemSet, problems_from_rows


def make_problems(job: Job) -> ProblemSet:
    params = job.params
    columns = [params[name] for name in ("question", "answer", "id") if params[name] is not None]
    rows = hub_rows(
        params["dataset"],
        params["revision"],
        params["config"],
        params["split"],
        columns,
        job.tell,
    )
    limited = islice(rows, params["limit"])
    return problems_from_rows(limited, params["question"], params["answer"], params["id"])
