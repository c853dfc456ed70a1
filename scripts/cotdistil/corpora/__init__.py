"""The kinds of teachers. Each module has `write_corpus(job, problems, dropped)`, an iterator.

`problems`: the rows of the parent problem set. It yields dicts of problem_id, question, gold,
sample_index, response (canonical), original (as the teacher wrote it, None where that is the same),
finish_reason, complete (None: not known), and may add `correct` where the source has a verdict, and
columns of its own. It counts in `dropped`, reason -> number, what it leaves out. A module may have
`describe(job)`, what it adds to the record.
"""
