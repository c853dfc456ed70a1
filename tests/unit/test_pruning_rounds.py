"""Rounds over all open searches, and the room that they keep to."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.pruning.cutters import Candidate, Limits, count_steps, prefix
from cotdistil.pruning.cutters.prefixes import binary
from cotdistil.pruning.rounds import Asked, Check, Pruned, search_all


class Rounds:
    """Validates trace i from prefixes of shortest[i] steps; `asked` holds each round.

    before: what was validated in an earlier run.
    """

    def __init__(self, shortest: list[int], before: Collection[Asked] = ()):
        self.shortest = shortest
        self.before = before
        self.asked: list[list[Asked]] = []

    def __call__(self, asked: list[Asked]) -> list[Check]:
        self.asked.append(asked)
        return [self._check(each) for each in asked]

    def known(self, asked: Asked) -> Check | None:
        return self._check(asked) if asked in self.before else None

    def _check(self, asked: Asked) -> Check:
        index, candidate = asked
        return Check(candidate.kept, False, count_steps(candidate.kept) >= self.shortest[index])


def search(
    traces: list[tuple[int, int]], room: int | None = None, before: Collection[Asked] = ()
) -> tuple[list[Pruned], Rounds]:
    """traces: (steps, shortest prefix that validates) of each; a trace's size is its steps."""
    rounds = Rounds([shortest for _, shortest in traces], before)
    searches = [binary(steps, Limits()) for steps, _ in traces]
    sizes = [steps for steps, _ in traces]
    pruned = search_all(searches, sizes, lambda: room, rounds.known, rounds)
    return pruned, rounds


TRACES = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 350)), max_size=12)


@settings(max_examples=50)
@given(traces=TRACES)
def test_one_call_a_round_validates_a_candidate_of_every_open_trace(
    traces: list[tuple[int, int]],
) -> None:
    pruned, rounds = search(traces)
    alone = [search([each])[0][0] for each in traces]
    assert pruned == alone
    assert len(rounds.asked) == max((len(each.checks) for each in alone), default=0)
    for number, asked in enumerate(rounds.asked):
        # Every trace whose search is open, each once, ascending.
        assert [index for index, _ in asked] == [
            index for index, each in enumerate(alone) if number < len(each.checks)
        ]


@settings(max_examples=50)
@given(traces=TRACES, room=st.integers(1, 900))
def test_traces_wait_for_room_in_the_cache_and_come_out_the_same(
    traces: list[tuple[int, int]], room: int
) -> None:
    narrow, rounds = search(traces, room=room)
    assert narrow == search(traces)[0]
    for asked in rounds.asked:
        sizes = [traces[index][0] for index, _ in asked]
        assert len(sizes) == 1 or sum(sizes) <= room


@settings(max_examples=50)
@given(traces=TRACES, done=st.integers(0, 9))
def test_what_was_validated_before_is_not_asked_again_and_comes_out_the_same(
    traces: list[tuple[int, int]], done: int
) -> None:
    whole, first = search(traces)
    before = {each for asked in first.asked[:done] for each in asked}
    resumed, second = search(traces, before=before)
    assert resumed == whole
    assert second.asked == first.asked[done:]


def test_how_much_room_there_is_is_not_asked_where_nothing_is_to_be_validated() -> None:
    def room() -> int:
        raise AssertionError("the model was loaded")

    rounds = Rounds([2, 3], before=[(i, Candidate(prefix(n))) for i in (0, 1) for n in range(9)])
    searches = [binary(8, Limits()), binary(5, Limits())]
    pruned = search_all(searches, [8, 5], room, rounds.known, rounds)
    assert [each.outcome.kept for each in pruned] == [prefix(2), prefix(3)]
    assert rounds.asked == []


def test_finished_searches_are_told_after_each_round() -> None:
    finished: list[int] = []
    rounds = Rounds([1, 1, 9])
    searches = [binary(steps, Limits()) for steps in (1, 2, 16)]
    search_all(searches, [1, 1, 1], lambda: None, rounds.known, rounds, finished.append)
    assert finished[0] >= 1
    assert finished == sorted(finished)
    assert finished[-1] == 3


@pytest.mark.parametrize("answered", [1, 3])
def test_a_validator_that_loses_or_adds_a_verdict_is_an_error(answered: int) -> None:
    def validate(asked: list[Asked]) -> list[Check]:
        return [Check(asked[0][1].kept, False, True)] * answered

    searches = [binary(4, Limits()) for _ in "ab"]
    with pytest.raises(ValueError, match=r"zip\(\)"):
        search_all(searches, [4, 4], lambda: None, lambda _: None, validate)
