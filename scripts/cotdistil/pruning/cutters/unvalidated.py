"""Cutters that ask no student: what on-policy validation is compared with."""

from collections.abc import Sequence
from random import Random

from cotdistil.pruning.cutters import (
    CUT,
    DROPPED_THERE,
    NO_ANSWER_STEP,
    TOO_FEW_STEPS,
    WHOLE,
    Limits,
    Outcome,
    prefix,
)


def first_correct(n_steps: int, limits: Limits, first_answer_step: int | None) -> Outcome:
    """First correct solution (arXiv 2412.21187): cut behind the step that first gives the answer.

    first_answer_step: its number, from 1, or None.
    """
    if limits.too_few(n_steps):
        return Outcome(prefix(n_steps), TOO_FEW_STEPS)
    if first_answer_step is None:
        return limits.failed(n_steps, NO_ANSWER_STEP)
    return _cut(max(first_answer_step, limits.shortest(n_steps)), n_steps)


def random_prefix(n_steps: int, limits: Limits, share: float | None) -> Outcome:
    """The first `share` of the steps, in (0, 1]; None: the trace is dropped."""
    if share is None:
        return Outcome(None, DROPPED_THERE)
    if limits.too_few(n_steps):
        return Outcome(prefix(n_steps), TOO_FEW_STEPS)
    return _cut(max(round(share * n_steps), limits.shortest(n_steps)), n_steps)


def shuffle_shares(shares: Sequence[float], seed: int) -> list[float]:
    """Each share on another trace, drawn at random: as much is cut, but not where it was."""
    shuffled = list(shares)
    Random(f"random prefix {seed}").shuffle(shuffled)
    return shuffled


def _cut(length: int, n_steps: int) -> Outcome:
    return Outcome(prefix(length), CUT if length < n_steps else WHOLE)
