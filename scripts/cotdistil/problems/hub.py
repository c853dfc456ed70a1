"""Problem sets of kind `hub`: a data set of the Hugging Face hub at a pinned revision."""

from cotdistil.errors import UserError
from cotdistil.job import Job
from cotdistil.local_table import require_columns
from cotdistil.problem_set import ProblemSet, problems_from_rows


def make_problems(job: Job) -> ProblemSet:
    from datasets import load_dataset

    params = job.params
    where = f"the data set {params['dataset']} at revision {params['revision']}"
    try:
        table = load_dataset(
            params["dataset"],
            params["config"],
            split=params["split"],
            revision=params["revision"],
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"{where}, configuration {params['config']!r}, split {params['split']!r}, was not"
            f" loaded: {error}; check these four values, the network, and for a gated data set"
            " that HF_TOKEN is set in the environment"
        ) from error
    columns = [params[name] for name in ("question", "answer", "id") if params[name] is not None]
    require_columns(table.column_names, columns, where)
    table = table.select_columns(columns)
    if params["limit"] is not None:
        table = table.select(range(min(params["limit"], len(table))))
    return problems_from_rows(table, params["question"], params["answer"], params["id"])
