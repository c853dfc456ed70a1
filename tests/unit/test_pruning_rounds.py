"""Rounds over all open searches, the log of their verdicts, and the room that they keep to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cotdistil.pruning.check_log import Check, CheckLog
from cotdistil.pruning.cutters import Candidate, Limits, count_steps, prefix
from cotdistil.pruning.cutters.prefixes import binary, linear
from cotdistil.pruning.rounds import Asked, Pruned, search_all


def make_check(trace: int, candidate: Candidate, valid: bool | None, call: int | None) -> Check:
    answers = [] if valid is None else ["42" if valid else "\u2028 41"]
    return Check(
        trace, candidate.kept, candidate.greedy, valid, 7, 3, 1, answers, answers, [], call
    )


class Validator:
    """Comes to the answer of trace i from prefixes of shortest[i] steps; keeps what it was asked.

    dies_in: the call, from 0, in which the job is killed.
    """

    def __init__(self, shortest: list[int], log: CheckLog, dies_in: int | None = None):
        self.shortest = shortest
        self.log = log
        self.dies_in = dies_in
        self.rounds: list[list[Asked]] = []

    def __call__(self, asked: list[Asked]) -> list[Check]:
        if len(self.rounds) == self.dies_in:
            raise KeyboardInterrupt
        self.rounds.append(asked)
        self.log.calls += 1
        return [
            make_check(
                index,
                candidate,
                count_steps(candidate.kept) >= self.shortest[index],
                self.log.calls,
            )
            for index, candidate in asked
        ]


def search(
    file: Path,
    traces: list[tuple[int, int]],
    cutter: Callable = binary,
    room: int | None = None,
    dies_in: int | None = None,
) -> tuple[list[Pruned], Validator]:
    """traces: (steps, shortest prefix that validates) of each; a trace's size is its steps."""
    with CheckLog(file) as log:
        validator = Validator([shortest for _, shortest in traces], log, dies_in)
        searches = [cutter(steps, Limits()) for steps, _ in traces]
        sizes = [steps for steps, _ in traces]
        pruned = search_all(searches, range(len(traces)), sizes, room, validator, log)
    return pruned, validator


TRACES = st.lists(st.tuples(st.integers(1, 300), st.integers(1, 350)), max_size=12)
ONE_FOLDER = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@ONE_FOLDER
@given(traces=TRACES)
def test_one_call_a_round_validates_a_candidate_of_every_open_trace(
    tmp_path: Path, traces: list[tuple[int, int]]
) -> None:
    (tmp_path / "log").unlink(missing_ok=True)
    pruned, validator = search(tmp_path / "log", traces)
    alone = []
    for each in traces:
        (tmp_path / "alone").unlink(missing_ok=True)
        alone.append(search(tmp_path / "alone", [each])[0][0])
    assert [each.outcome for each in pruned] == [each.outcome for each in alone]
    longest = max((len(each.checks) for each in alone), default=0)
    assert len(validator.rounds) == longest
    for number, asked in enumerate(validator.rounds):
        # Every trace whose search is open, each once, ascending.
        assert [index for index, _ in asked] == [
            index for index, each in enumerate(alone) if number < len(each.checks)
        ]


@ONE_FOLDER
@given(traces=TRACES, room=st.integers(1, 900))
def test_traces_wait_for_room_in_the_cache_and_come_out_the_same(
    tmp_path: Path, traces: list[tuple[int, int]], room: int
) -> None:
    for name in ("narrow", "wide"):
        (tmp_path / name).unlink(missing_ok=True)
    narrow, validator = search(tmp_path / "narrow", traces, room=room)
    wide, _ = search(tmp_path / "wide", traces)
    assert [each.outcome for each in narrow] == [each.outcome for each in wide]
    for asked in validator.rounds:
        sizes = [traces[index][0] for index, _ in asked]
        assert len(sizes) == 1 or sum(sizes) <= room


@ONE_FOLDER
@given(traces=TRACES, dies_in=st.integers(0, 9), room=st.sampled_from([None, 300]))
def test_a_killed_run_asks_nothing_again_that_was_answered(
    tmp_path: Path, traces: list[tuple[int, int]], dies_in: int, room: int | None
) -> None:
    for name in ("whole", "killed"):
        (tmp_path / name).unlink(missing_ok=True)
    expected, whole = search(tmp_path / "whole", traces, room=room)
    try:
        pruned, first = search(tmp_path / "killed", traces, room=room, dies_in=dies_in)
        assert first.rounds == whole.rounds
    except KeyboardInterrupt:
        pruned, resumed = search(tmp_path / "killed", traces, room=room)
        asked_twice = [each for asked in whole.rounds[:dies_in] for each in asked]
        again = [each for asked in resumed.rounds for each in asked]
        assert not set(asked_twice) & set(again)
    assert [(p.outcome, [c.kept for c in p.checks]) for p in pruned] == [
        (p.outcome, [c.kept for c in p.checks]) for p in expected
    ]


def test_another_cutter_finds_what_an_earlier_one_asked(tmp_path: Path) -> None:
    search(tmp_path / "log", [(9, 5)])
    _, validator = search(tmp_path / "log", [(9, 5)], cutter=linear)
    lengths = [count_steps(c.kept) for asked in validator.rounds for _, c in asked]
    # Binary cutting asked about 5, 3 and 4 steps.
    assert lengths == [1, 2]


def test_a_check_comes_back_from_the_disk_as_it_was(tmp_path: Path) -> None:
    checks = [
        make_check(3, Candidate(((0, 2), (4, 5))), False, 0),
        make_check(3, Candidate(((0, 2), (4, 5)), greedy=True), True, 1),
        make_check(4, Candidate(prefix(7)), None, None),
    ]
    with CheckLog(tmp_path / "log") as log:
        for check in checks:
            log.add(check)
    with CheckLog(tmp_path / "log") as log:
        assert log.calls == 2
        for check in checks:
            assert log.find(check.trace, Candidate(check.kept, check.greedy)) == check
        assert log.find(4, Candidate(prefix(6))) is None


@pytest.mark.parametrize("answered", [1, 3])
def test_a_validator_that_loses_or_adds_a_verdict_is_an_error(
    tmp_path: Path, answered: int
) -> None:
    def ask(asked: list[Asked]) -> list[Check]:
        return [make_check(9, Candidate(prefix(n + 1)), True, 0) for n in range(answered)]

    with CheckLog(tmp_path / "log") as log, pytest.raises(ValueError, match="were answered"):
        search_all([binary(4, Limits()) for _ in "ab"], [0, 1], [4, 4], None, ask, log)
