"""Searches over prefixes: what is kept is the beginning of the trace.

`binary` is the binary cutting with backtracking of arXiv 2505.18440. The paper's loop bound,
tie-breaks and fallback are not published; chosen here:

- the middle is rounded down, so the shorter half is tried first; beyond the paper, the search may
  start elsewhere, say where the trace first gives the answer;
- after an invalid prefix the search goes on above it, up to the shortest prefix known to be valid;
- the full trace is asked last and only if nothing shorter was valid; if it is invalid too, the
  trace is dropped (of the paper's 93,700 traces about 25,000 are left) or kept whole.

Validity need not grow with length. The kept prefix is then one that was validated, but not always
the shortest such.
"""

from cotdistil.pruning.cutters import (
    NOT_VALIDATED,
    TOO_FEW_STEPS,
    WHOLE,
    Candidate,
    Limits,
    Outcome,
    Search,
    cut_or_whole,
    prefix,
)


def binary(n_steps: int, limits: Limits, start: int | None = None) -> Search:
    """Bisection: at most ceil(log2 n) + 1 candidates, one more with a start.

    start: length of the first candidate; default: the middle. After a prefix that is too long to be
    asked about, the longest that is left takes the place of the full trace.
    """
    if limits.too_few(n_steps):
        return Outcome(prefix(n_steps), TOO_FEW_STEPS)
    low, high, high_is_valid = limits.shortest(n_steps), n_steps, False
    middle = (low + high) // 2 if start is None else min(max(low, start), high)
    while low < high or not high_is_valid:
        valid = yield Candidate(prefix(middle))
        if valid:
            high, high_is_valid = middle, True
        elif valid is None and not high_is_valid and middle > low:
            high = middle - 1
        elif middle < high and (valid is not None or high_is_valid):
            low = middle + 1
        else:
            return limits.failed(n_steps, NOT_VALIDATED)
        middle = (low + high) // 2
    return cut_or_whole(high, n_steps)


def halving(n_steps: int, limits: Limits) -> Search:
    """Binary cutting without backtracking: the first half that is invalid ends the search.

    A half that is too long to be asked about is halved again.
    """
    if limits.too_few(n_steps):
        return Outcome(prefix(n_steps), TOO_FEW_STEPS)
    low, high, shortest_valid = limits.shortest(n_steps), n_steps, None
    while low < high:
        middle = (low + high) // 2
        valid = yield Candidate(prefix(middle))
        if valid is False:
            break
        high = middle
        shortest_valid = middle if valid else shortest_valid
    if high == n_steps and (yield Candidate(prefix(n_steps))):
        shortest_valid = n_steps
    if shortest_valid is None:
        return limits.failed(n_steps, NOT_VALIDATED)
    return cut_or_whole(shortest_valid, n_steps)


def linear(n_steps: int, limits: Limits) -> Search:
    """The shortest valid prefix of all: up to n candidates, for comparison."""
    if limits.too_few(n_steps):
        return Outcome(prefix(n_steps), TOO_FEW_STEPS)
    for length in range(limits.shortest(n_steps), n_steps + 1):
        if (yield Candidate(prefix(length))):
            return cut_or_whole(length, n_steps)
    return limits.failed(n_steps, NOT_VALIDATED)


def full(n_steps: int, limits: Limits) -> Search:
    """Cuts nothing, and keeps what validates whole.

    What it leaves was selected by on-policy validation alone: the control that tells the effect of
    shorter traces from that of a choice among them.
    """
    if n_steps < 1:
        return Outcome(prefix(n_steps), TOO_FEW_STEPS)
    if (yield Candidate(prefix(n_steps))):
        return Outcome(prefix(n_steps), WHOLE, validated=True)
    return limits.failed(n_steps, NOT_VALIDATED)
