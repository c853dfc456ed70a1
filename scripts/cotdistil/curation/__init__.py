"""Which traces of which corpora a training set is made of.

Every choice is made by ranking with a hash of the seed and the problem's id. So a smaller `size` is
a subset of a larger one, and a small change of a weight moves few problems.
"""
