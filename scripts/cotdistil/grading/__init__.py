"""Is an answer right? One grader for filtering, pruning, reward and scoring."""
