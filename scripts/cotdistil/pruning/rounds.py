"""All open searches, round by round: one round is one call of the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cotdistil.pruning.cutters import Candidate, Kept, Outcome, Search

Asked = tuple[int, Candidate]
"""Which of the searches asks, by its index, and what."""


@dataclass(frozen=True)
class Check:
    """One validated candidate.

    valid: None where the prompt did not fit into the student's context and was not asked. call: the
    number of the engine's call, from 0; None where another job had asked. answers: what the student
    wrote, one per sample asked for; cut_off: whether the token limit ended it; extracted: the
    answer read in each, or None; right: whether it is the gold answer. prompt_tokens: of one
    prompt; cached_tokens: of all samples' prompts, read from the engine's prefix cache, or None
    where it does not tell; completion_tokens: summed over the samples.
    """

    kept: Kept
    greedy: bool
    valid: bool | None
    call: int | None = None
    prompt_tokens: int = 0
    cached_tokens: int | None = None
    completion_tokens: int = 0
    answers: list[str] = field(default_factory=list)
    cut_off: list[bool] = field(default_factory=list)
    extracted: list[str | None] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)


@dataclass
class Pruned:
    """A search that is over, with all that was asked in it, in order."""

    outcome: Outcome
    checks: list[Check] = field(default_factory=list)


def search_all(
    searches: Sequence[Search],
    sizes: Sequence[int],
    room: Callable[[], int | None],
    known: Callable[[Asked], Check | None],
    validate: Callable[[list[Asked]], list[Check]],
    on_round: Callable[[int], None] = lambda finished: None,
) -> list[Pruned]:
    """What each search ended with, in order.

    sizes: the tokens that each trace takes in the engine's cache; room: how many the cache holds
    (None: no limit), asked when there is something to validate. known: the check of a candidate
    that was validated before, or None. A search is opened when there is room, so that what a round
    has read is still there in the next one; then each round is one call of `validate`, with what
    all open searches ask. on_round: called after each round with the number of finished searches.
    Raises ValueError if `validate` returns another number of checks than it was asked for.
    """
    finished: dict[int, Pruned] = {}
    checks: list[list[Check]] = [[] for _ in searches]
    waiting = iter(range(len(searches)))
    following = next(waiting, None)
    opened: dict[int, Candidate] = {}
    taken = 0

    def advance(index: int, verdict: bool | None = None) -> None:
        """On to the next candidate that is not known; the first verdict of a search is None."""
        while True:
            try:
                candidate = searches[index].send(verdict)
            except StopIteration as end:
                opened.pop(index, None)
                finished[index] = Pruned(end.value, checks[index])
                return
            check = known((index, candidate))
            if check is None:
                opened[index] = candidate
                return
            checks[index].append(check)
            verdict = check.valid

    while following is not None or opened:
        while following is not None and (not taken or _fits(taken + sizes[following], room())):
            advance(following)
            taken += sizes[following] if following in opened else 0
            following = next(waiting, None)
        asked = list(opened.items())
        answered = validate(asked) if asked else []
        for (index, _), check in zip(asked, answered, strict=True):
            checks[index].append(check)
            advance(index, check.valid)
            taken -= sizes[index] if index not in opened else 0
        on_round(len(finished))
    return [finished[index] for index in range(len(searches))]


def _fits(taken: int, room: int | None) -> bool:
    return room is None or taken <= room
