"""A page to read the traces of one training set in: what was kept, what was cut, and why."""
