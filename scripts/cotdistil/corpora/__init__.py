"""The kinds of teachers. Each module has `write_corpus(job, problems, dropped)`, an iterator.

`problems`: the rows of the parent problem set. It yields dicts of problem_id, question, gold,
sample_index, response, thinking, answer, finish_reason, and counts in `dropped`, reason -> number,
what it leaves out.
"""
