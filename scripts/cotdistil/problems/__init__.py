"""The kinds of problem sets. Each module has `make_problems(job) -> ProblemSet`."""
