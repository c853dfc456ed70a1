"""Searches for what is kept of a trace, one module for each way to search.

A search is a generator: it yields the candidate to be validated next, is sent the verdict (True,
False, or None for a candidate that is too long to be asked about) and returns an `Outcome`. All
open searches advance together, so that one round of them is one call of the engine.
"""

from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise

Kept = tuple[tuple[int, int], ...]
"""What is kept of a trace: disjoint [start, end) of steps, numbered from 0, ascending."""

CUT = "cut"
WHOLE = "whole"
TOO_FEW_STEPS = "too few steps"
NOT_VALIDATED = "full trace not validated"
OVER_CONTEXT = "longer than the student's context"
UNREADABLE_GOLD = "gold answer not readable"
NOT_CONFIRMED = "not confirmed"
NO_ANSWER_STEP = "no step gives the answer"
DROPPED_THERE = "dropped by the recipe it is like"
CHECKS_USED_UP = "cut, inner_checks used up"


@dataclass(frozen=True)
class Candidate:
    """Steps to be validated. greedy: whatever the validator's temperature is, with one sample."""

    kept: Kept
    greedy: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a search ended with. kept: None for a trace that is dropped.

    validated: whether the student came to the answer from `kept`.
    """

    kept: Kept | None
    reason: str
    validated: bool = False


Search = Generator[Candidate, bool | None, Outcome]


@dataclass(frozen=True)
class Limits:
    """What every cutter keeps to.

    A trace of fewer than `min_steps_to_cut` steps is left as it is; no cut leaves fewer than
    `min_steps`. keep_invalid: what is to be dropped is kept whole instead.
    """

    min_steps: int = 1
    min_steps_to_cut: int = 2
    keep_invalid: bool = False

    def shortest(self, n_steps: int) -> int:
        """The shortest prefix that may be left of so many steps."""
        return max(1, min(self.min_steps, n_steps))

    def too_few(self, n_steps: int) -> bool:
        return n_steps < max(1, self.min_steps_to_cut)

    def failed(self, n_steps: int, reason: str) -> Outcome:
        return Outcome(prefix(n_steps) if self.keep_invalid else None, reason)


def prefix(length: int) -> Kept:
    """The first `length` steps."""
    return ((0, length),) if length else ()


def without(length: int, removed: set[int]) -> Kept:
    """The first `length` steps but for those in `removed`."""
    edges = [-1, *sorted(step for step in removed if step < length), length]
    return tuple((a + 1, b) for a, b in pairwise(edges) if a + 1 < b)


def count_steps(kept: Kept) -> int:
    return sum(end - start for start, end in kept)


def cut_or_whole(length: int, n_steps: int) -> Outcome:
    """A validated prefix of `length` of `n_steps` steps."""
    return Outcome(prefix(length), CUT if length < n_steps else WHOLE, validated=True)


def name_over_context(search: Search, limits: Limits, n_steps: int) -> Search:
    """The search; one that ends without a cut because nothing could be asked says so."""
    verdict, verdicts = None, []
    while True:
        try:
            verdict = yield search.send(verdict)
        except StopIteration as end:
            over_context = end.value.reason == NOT_VALIDATED and set(verdicts) == {None}
            return limits.failed(n_steps, OVER_CONTEXT) if over_context else end.value
        verdicts.append(verdict)


def confirm(search: Search, limits: Limits, n_steps: int) -> Search:
    """The search, and what it kept asked about once more, greedily.

    For a validator that samples: what its samples agreed on need not be its most likely answer.
    """
    outcome = yield from search
    if not outcome.validated:
        return outcome
    if (yield Candidate(outcome.kept, greedy=True)):
        return outcome
    return limits.failed(n_steps, NOT_CONFIRMED)
