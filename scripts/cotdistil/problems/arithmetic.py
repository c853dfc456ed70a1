"""Problem sets of kind `arithmetic`: random expressions."""

from cotdistil.arithmetic import generate_problems
from cotdistil.job import Job
from cotdistil.problem_set import ProblemSet

SETTINGS = ("operations", "operands", "operators", "parentheses", "seed")


def make_problems(job: Job) -> ProblemSet:
    settings = {name: job.params[name] for name in SETTINGS}
    problems = generate_problems(job.params["split"], job.params["count"], **settings)
    return ProblemSet(len(problems), problems)
