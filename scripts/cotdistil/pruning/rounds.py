"""All open searches, round by round: one round is one call of the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from cotdistil.pruning.check_log import Check, CheckLog
from cotdistil.pruning.cutters import Candidate, Outcome, Search

Asked = tuple[int, Candidate]
"""Which of the searches asks, by its index, and what."""


@dataclass
class Pruned:
    """A search that is over, with all that was asked in it, in order."""

    outcome: Outcome
    checks: list[Check] = field(default_factory=list)


def search_all(
    searches: Sequence[Search],
    rows: Sequence[int],
    sizes: Sequence[int],
    room: int | None,
    ask: Callable[[list[Asked]], Iterable[Check]],
    log: CheckLog,
    on_round: Callable[[int], None] = lambda finished: None,
) -> list[Pruned]:
    """What each search ended with, in order.

    rows: of each search's trace, in the training set. sizes: the tokens that each trace takes in
    the engine's cache; room: how many the cache holds (None: no limit). A search is opened when
    there is room, so that what a round has read is still there in the next one; then each round
    asks what all open searches ask, in one call of `ask`, except for what `log` knows already.
    on_round: called after each round with the number of finished searches.
    Raises ValueError if `ask` returns another number of checks than it was asked for.
    """
    finished: dict[int, Pruned] = {}
    checks: list[list[Check]] = [[] for _ in searches]
    waiting = iter(range(len(searches)))
    following = next(waiting, None)
    opened: dict[int, Candidate] = {}
    taken = 0

    def advance(index: int, verdict: bool | None, *, begin: bool = False) -> None:
        try:
            opened[index] = next(searches[index]) if begin else searches[index].send(verdict)
        except StopIteration as end:
            opened.pop(index, None)
            finished[index] = Pruned(end.value, checks[index])

    while following is not None or opened:
        while following is not None and _fits(taken, sizes[following], room):
            advance(following, None, begin=True)
            taken += sizes[following] if following in opened else 0
            following = next(waiting, None)
        for index, check in _round(list(opened.items()), rows, ask, log):
            checks[index].append(check)
            advance(index, check.valid)
            taken -= sizes[index] if index not in opened else 0
        on_round(len(finished))
    return [finished[index] for index in range(len(searches))]


def _fits(taken: int, size: int, room: int | None) -> bool:
    return room is None or not taken or taken + size <= room


def _round(
    asked: list[Asked],
    rows: Sequence[int],
    ask: Callable[[list[Asked]], Iterable[Check]],
    log: CheckLog,
) -> list[tuple[int, Check]]:
    """A check for each open search; what is new is written to the log."""
    known = [log.find(rows[index], candidate) for index, candidate in asked]
    new = [each for each, check in zip(asked, known, strict=True) if check is None]
    answered = iter(list(ask(new)) if new else [])
    done = []
    for (index, _), check in zip(asked, known, strict=True):
        if check is None:
            check = next(answered, None)
            if check is None:
                raise ValueError(f"{len(new)} candidates were asked about, fewer were answered")
            log.add(check)
        done.append((index, check))
    if next(answered, None) is not None:
        raise ValueError(f"{len(new)} candidates were asked about, more were answered")
    return done
