"""Removal of steps from within: redundancy is not only at the end of a trace.

None of the three papers does it. After binary cutting, groups of the steps that may go are tried,
all of them first, then halves of what could not go as a whole; later steps before earlier ones,
since a second look at a result is read with the first in mind and not the other way round.

What stays is what the student needs *to answer*, and a step that states the answer is often
enough. So by default only reflections ("Wait", "Let me double-check") that find no fault may go.
"""

from collections.abc import Sequence

from cotdistil.pruning.cutters import (
    CHECKS_USED_UP,
    CUT,
    WHOLE,
    Candidate,
    Limits,
    Outcome,
    Search,
    prefix,
    without,
)
from cotdistil.pruning.cutters.prefixes import binary


def inner(
    n_steps: int,
    limits: Limits,
    removable: Sequence[int],
    most_checks: int,
    start: int | None = None,
) -> Search:
    """Binary cutting, then removal of inner steps from what it kept.

    removable: the steps that may go, ascending from 0; the last step that is kept never goes.
    most_checks: candidates after the binary cutting; what could not be tried stays. start: that of
    the binary cutting.
    """
    outcome = yield from binary(n_steps, limits, start)
    if not outcome.validated:
        return outcome
    [(_, length)] = outcome.kept
    removed: set[int] = set()
    groups = [[step for step in removable if step < length - 1]]
    needed: set[frozenset[int]] = set()  # of what was removed together, what could not go
    checks = 0
    while groups:
        group = groups.pop()
        if not group:
            continue
        fewer = removed | set(group)
        # Where one half of a group went, the other half is left to make up what was asked before.
        ask = length - len(fewer) >= limits.min_steps and frozenset(fewer) not in needed
        if ask and checks == most_checks:
            return _outcome(length, n_steps, removed, CHECKS_USED_UP)
        checks += ask
        if ask and (yield Candidate(without(length, fewer))):
            removed = fewer
            continue
        needed.add(frozenset(fewer))
        if len(group) > 1:
            half = len(group) // 2
            groups += [group[:half], group[half:]]
    return _outcome(length, n_steps, removed, CUT)


def _outcome(length: int, n_steps: int, removed: set[int], reason: str) -> Outcome:
    kept = without(length, removed)
    return Outcome(kept, WHOLE if kept == prefix(n_steps) else reason, validated=True)
