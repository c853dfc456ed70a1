"""The laws of the searches for what is kept of a trace."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.pruning.cutters import (
    CHECKS_USED_UP,
    CUT,
    DROPPED_THERE,
    NO_ANSWER_STEP,
    NOT_CONFIRMED,
    NOT_VALIDATED,
    OVER_CONTEXT,
    TOO_FEW_STEPS,
    UNREADABLE_GOLD,
    WHOLE,
    Candidate,
    Kept,
    Limits,
    Outcome,
    Search,
    confirm,
    count_steps,
    prefix,
    without,
)
from cotdistil.pruning.cutters.inner import inner
from cotdistil.pruning.cutters.prefixes import binary, full, halving, linear
from cotdistil.pruning.cutters.start import PREFIX_SEARCHES, VALIDATING, Facts, make_cutter
from cotdistil.pruning.cutters.unvalidated import first_correct, random_prefix, shuffle_shares

Verdict = Callable[[Kept], bool | None]


def run(search: Search, verdict: Verdict) -> tuple[Outcome, list[Candidate]]:
    """Runs a search to its end; gives its outcome and what it asked, in order."""
    asked = []
    try:
        candidate = next(search)
        while True:
            asked.append(candidate)
            candidate = search.send(verdict(candidate.kept))
    except StopIteration as end:
        return end.value, asked


def from_length(shortest: int) -> Verdict:
    """A validator that comes to the answer from every prefix of at least `shortest` steps."""
    return lambda kept: count_steps(kept) >= shortest


def most_calls(steps: int) -> int:
    return math.ceil(math.log2(steps)) + 2


# --- binary cutting with backtracking ---------------------------------------------------------


@settings(max_examples=200)
@given(data=st.data(), steps=st.integers(2, 5000), min_steps=st.integers(1, 6))
def test_where_longer_prefixes_validate_too_the_shortest_one_is_found(
    data: st.DataObject, steps: int, min_steps: int
) -> None:
    shortest = data.draw(st.integers(1, steps))
    outcome, asked = run(binary(steps, Limits(min_steps)), from_length(shortest))
    assert outcome.kept == prefix(min(steps, max(shortest, min_steps)))
    assert outcome.reason == (WHOLE if count_steps(outcome.kept) == steps else CUT)
    assert len(asked) <= most_calls(steps) - 1
    assert len(set(asked)) == len(asked)


@settings(max_examples=200)
@given(data=st.data(), steps=st.integers(2, 5000), min_steps=st.integers(1, 6))
def test_wherever_the_bisection_starts_it_finds_the_same_in_the_calls_it_may_take(
    data: st.DataObject, steps: int, min_steps: int
) -> None:
    shortest = data.draw(st.integers(1, steps + 1))
    start = data.draw(st.integers(1, steps))
    limits = Limits(min_steps)
    outcome, asked = run(binary(steps, limits, start), from_length(shortest))
    from_middle, _ = run(binary(steps, limits), from_length(shortest))
    assert outcome == from_middle
    assert count_steps(asked[0].kept) == max(start, min(min_steps, steps))
    assert len(asked) <= most_calls(steps)
    assert len(set(asked)) == len(asked)


@settings(max_examples=300)
@given(
    name=st.sampled_from(sorted(PREFIX_SEARCHES)),
    verdicts=st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=200),
    min_steps=st.integers(1, 6),
    min_steps_to_cut=st.integers(1, 4),
    keep_invalid=st.booleans(),
)
def test_whatever_validates_what_is_kept_was_validated_itself(
    name: str,
    verdicts: list[bool | None],
    min_steps: int,
    min_steps_to_cut: int,
    keep_invalid: bool,
) -> None:
    steps = len(verdicts)
    limits = Limits(min_steps, min_steps_to_cut, keep_invalid)
    outcome, asked = run(
        PREFIX_SEARCHES[name](steps, limits), lambda kept: verdicts[count_steps(kept) - 1]
    )
    lengths = [count_steps(candidate.kept) for candidate in asked]
    assert len(set(lengths)) == len(lengths) <= (steps if name == "linear" else most_calls(steps))
    assert name == "full" or all(min(min_steps, steps) <= length <= steps for length in lengths)
    if outcome.reason == TOO_FEW_STEPS:
        assert (asked, outcome.kept) == ([], prefix(steps))
    elif outcome.reason == NOT_VALIDATED:
        assert not any(verdicts[length - 1] for length in lengths)
        assert outcome.kept == (prefix(steps) if keep_invalid else None)
    else:
        assert outcome.validated
        kept = count_steps(outcome.kept)
        assert outcome.reason == (CUT if kept < steps else WHOLE)
        assert kept == min(length for length in lengths if verdicts[length - 1])


@settings(max_examples=200)
@given(data=st.data(), steps=st.integers(2, 300))
def test_prefixes_too_long_to_ask_about_are_passed_over_for_the_longest_that_fits(
    data: st.DataObject, steps: int
) -> None:
    fits = data.draw(st.integers(0, steps))
    shortest = data.draw(st.integers(1, steps))
    start = data.draw(st.none() | st.integers(1, steps))

    def verdict(kept: Kept) -> bool | None:
        return None if count_steps(kept) > fits else count_steps(kept) >= shortest

    outcome, asked = run(binary(steps, Limits(), start), verdict)
    assert outcome.kept == (prefix(shortest) if shortest <= fits else None)
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("name", ["halving", "full"])
def test_only_what_was_asked_about_is_said_to_be_invalid(name: str) -> None:
    params = {"cutter": name, "temperature": 0.0}

    def fits(kept: Kept) -> bool | None:
        return None if count_steps(kept) > 16 else count_steps(kept) >= 3

    outcome, asked = run(make_cutter(params)(Facts(["step"] * 40)), fits)
    if name == "halving":
        assert [count_steps(each.kept) for each in asked] == [20, 10, 5, 3, 2]
        assert outcome == Outcome(prefix(3), CUT, validated=True)
    else:
        assert outcome == Outcome(None, OVER_CONTEXT)


@pytest.mark.parametrize("cutter", [*VALIDATING, "first_correct"])
def test_of_a_trace_whose_gold_answer_is_not_readable_nothing_is_asked(cutter: str) -> None:
    params = {"cutter": cutter, "temperature": 0.0, "removable": "any", "inner_checks": 9}
    search = make_cutter(params)(Facts(["step"] * 12, gold_is_readable=False))
    assert run(search, from_length(3)) == (Outcome(None, UNREADABLE_GOLD), [])


@pytest.mark.parametrize("name", ["binary", "halving", "linear", "inner"])
@pytest.mark.parametrize("steps", [1, 2, 3, 64, 65, 5000])
def test_a_validator_that_always_agrees_leaves_the_fewest_steps_and_one_that_never_does_none(
    name: str, steps: int
) -> None:
    def search(keep: bool = False) -> Search:
        limits = Limits(min_steps_to_cut=1, keep_invalid=keep)
        if name == "inner":
            return inner(steps, limits, range(steps), 32)
        return PREFIX_SEARCHES[name](steps, limits)

    outcome, asked = run(search(), lambda _: True)
    assert outcome.kept == prefix(1)
    assert name == "linear" or len(asked) <= most_calls(steps)
    outcome, asked = run(search(), lambda _: False)
    assert outcome == Outcome(None, NOT_VALIDATED)
    assert asked[-1].kept == prefix(steps)
    assert name == "linear" or len(asked) <= most_calls(steps)
    outcome, _ = run(search(keep=True), lambda _: False)
    assert outcome == Outcome(prefix(steps), NOT_VALIDATED)


def test_a_trace_that_could_not_be_cut_in_the_checks_it_had_was_not_cut() -> None:
    outcome, _ = run(inner(5, Limits(), [1, 2, 3], 1), lambda kept: kept == prefix(5))
    assert outcome == Outcome(prefix(5), WHOLE, validated=True)


def test_random_cutting_drops_what_the_other_recipe_dropped_however_short_it_is() -> None:
    assert random_prefix(1, Limits(), None) == Outcome(None, DROPPED_THERE)


@pytest.mark.parametrize("search", [binary, halving, linear])
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_a_trace_of_few_steps_is_left_as_it_is_without_asking(search, steps: int) -> None:
    outcome, asked = run(search(steps, Limits(min_steps_to_cut=5)), from_length(1))
    assert (outcome, asked) == (Outcome(prefix(steps), TOO_FEW_STEPS), [])


# --- the other searches over prefixes ---------------------------------------------------------


@settings(max_examples=200)
@given(verdicts=st.lists(st.booleans(), min_size=2, max_size=100))
def test_the_linear_scan_finds_the_shortest_prefix_of_all(verdicts: list[bool]) -> None:
    outcome, asked = run(
        linear(len(verdicts), Limits()), lambda kept: verdicts[count_steps(kept) - 1]
    )
    if any(verdicts):
        assert outcome.kept == prefix(verdicts.index(True) + 1)
        assert len(asked) == verdicts.index(True) + 1
    else:
        assert outcome.kept is None


@pytest.mark.parametrize(
    ("shortest", "lengths", "kept"),
    [(1, [8, 4, 2, 1], 1), (3, [8, 4, 2], 4), (9, [8, 16], 16), (5, [8, 4], 8)],
)
def test_without_backtracking_the_first_half_that_fails_ends_the_search(
    shortest: int, lengths: list[int], kept: int
) -> None:
    outcome, asked = run(halving(16, Limits()), from_length(shortest))
    assert [count_steps(candidate.kept) for candidate in asked] == lengths
    assert outcome.kept == prefix(kept)


@pytest.mark.parametrize("verdict", [True, False, None])
@pytest.mark.parametrize("keep", [True, False])
def test_the_control_asks_for_the_full_trace_alone(verdict: bool | None, keep: bool) -> None:
    outcome, asked = run(full(7, Limits(keep_invalid=keep)), lambda _: verdict)
    assert [candidate.kept for candidate in asked] == [prefix(7)]
    assert outcome.kept == (prefix(7) if verdict or keep else None)
    assert outcome.reason == (WHOLE if verdict else NOT_VALIDATED)
    outcome, asked = run(full(0, Limits()), lambda _: verdict)
    assert (outcome, asked) == (Outcome((), TOO_FEW_STEPS), [])


# --- removal of inner steps -------------------------------------------------------------------


@settings(max_examples=300)
@given(data=st.data(), steps=st.integers(2, 40), min_steps=st.integers(1, 4))
def test_exactly_the_needed_steps_and_those_that_may_not_go_are_left(
    data: st.DataObject, steps: int, min_steps: int
) -> None:
    needed = data.draw(st.sets(st.integers(0, steps - 1), min_size=1))
    removable = sorted(data.draw(st.sets(st.integers(0, steps - 1))))

    def has_needed(kept: Kept) -> bool:
        return needed <= {step for start, end in kept for step in range(start, end)}

    outcome, asked = run(inner(steps, Limits(min_steps), removable, 1000), has_needed)
    left = {step for start, end in outcome.kept for step in range(start, end)}
    last = max(max(needed), min(min_steps, steps) - 1)
    assert needed <= left <= set(range(last + 1))
    assert set(range(last + 1)) - left <= set(removable)
    assert len(left) >= min(min_steps, steps)
    if min_steps == 1:
        assert left == {s for s in range(last + 1) if s in needed or s not in removable} | {last}
    assert outcome.kept in {candidate.kept for candidate in asked}
    assert outcome.reason == (WHOLE if len(left) == steps else CUT)


def test_inner_steps_go_in_few_calls_where_most_can_go_and_later_ones_first() -> None:
    outcome, asked = run(inner(64, Limits(), range(64), 100), lambda kept: kept[-1][1] == 64)
    assert outcome.kept == ((63, 64),)
    assert len(asked) <= most_calls(64)
    # Either of the two looks at a result is enough: the second one goes.
    outcome, _ = run(
        inner(5, Limits(), [1, 3], 100),
        lambda kept: kept[-1][1] == 5 and any(a <= s < b for s in (1, 3) for a, b in kept),
    )
    assert outcome.kept == ((0, 3), (4, 5))


def test_what_could_not_be_tried_within_inner_checks_stays_and_is_told_apart() -> None:
    def every_even_step_is_needed(kept: Kept) -> bool:
        left = {step for start, end in kept for step in range(start, end)}
        return set(range(0, 21, 2)) <= left

    outcome, asked = run(inner(21, Limits(), range(21), 10), every_even_step_is_needed)
    prefixes, _ = run(binary(21, Limits()), every_even_step_is_needed)
    assert prefixes.kept == prefix(21)
    assert len(asked) == 10 + sum(len(c.kept) == 1 and c.kept[0][0] == 0 for c in asked)
    assert (outcome.reason, outcome.validated) == (CHECKS_USED_UP, True)
    assert every_even_step_is_needed(outcome.kept)


@given(length=st.integers(0, 30), removed=st.sets(st.integers(0, 40)))
def test_spans_are_disjoint_ascending_and_leave_out_what_is_removed(
    length: int, removed: set[int]
) -> None:
    kept = without(length, removed)
    assert [s for a, b in kept for s in range(a, b)] == [
        s for s in range(length) if s not in removed
    ]
    assert all(a < b for a, b in kept)
    assert all(b < c for (_, b), (c, _) in pairwise(kept))


# --- cutters that ask no student --------------------------------------------------------------


def test_the_first_correct_solution_is_cut_behind_the_step_that_gives_the_answer() -> None:
    assert first_correct(9, Limits(), 4) == Outcome(prefix(4), CUT)
    assert first_correct(9, Limits(), 9) == Outcome(prefix(9), WHOLE)
    assert first_correct(9, Limits(min_steps=6), 4) == Outcome(prefix(6), CUT)
    assert first_correct(9, Limits(), None) == Outcome(None, NO_ANSWER_STEP)
    assert first_correct(9, Limits(keep_invalid=True), None) == Outcome(prefix(9), NO_ANSWER_STEP)
    assert first_correct(1, Limits(), 1) == Outcome(prefix(1), TOO_FEW_STEPS)


@given(steps=st.integers(0, 50), share=st.floats(0.01, 1.0))
def test_a_random_prefix_has_the_share_of_steps_that_it_is_given(steps: int, share: float) -> None:
    outcome = random_prefix(steps, Limits(), share)
    assert outcome.kept == prefix(max(1, round(share * steps)) if steps > 1 else steps)
    assert random_prefix(5, Limits(), None) == Outcome(None, DROPPED_THERE)


@given(shares=st.lists(st.floats(0.01, 1.0), max_size=30), seed=st.integers(0, 9))
def test_shares_are_dealt_out_anew_and_none_is_lost(shares: list[float], seed: int) -> None:
    dealt = shuffle_shares(shares, seed)
    assert sorted(dealt) == sorted(shares)
    assert dealt == shuffle_shares(shares, seed)


# --- what starts and ends them ----------------------------------------------------------------


@pytest.mark.parametrize("again", [True, False, None])
def test_what_samples_agreed_on_is_asked_about_once_more_greedily(again: bool | None) -> None:
    def verdicts():
        yield from (True, True, False)  # 4, 2 and 1 of 8 steps
        yield again

    each = verdicts()
    outcome, asked = run(confirm(binary(8, Limits()), Limits(), 8), lambda _: next(each))
    assert asked[-1] == Candidate(prefix(2), greedy=True)
    assert [candidate.greedy for candidate in asked] == [False, False, False, True]
    expected = Outcome(prefix(2), CUT, True) if again else Outcome(None, NOT_CONFIRMED)
    assert outcome == expected
    kept, _ = run(confirm(binary(8, Limits()), Limits(keep_invalid=True), 8), lambda _: False)
    assert kept == Outcome(None, NOT_VALIDATED)


@settings(max_examples=100)
@given(steps=st.integers(2, 3000), shortest=st.integers(1, 3000))
def test_also_with_the_last_question_no_search_takes_more_calls_than_it_may(
    steps: int, shortest: int
) -> None:
    params = {"cutter": "binary", "temperature": 0.7}
    search = make_cutter(params)(Facts(["step"] * steps))
    outcome, asked = run(search, from_length(shortest))
    assert len(asked) <= most_calls(steps)
    assert outcome.kept == (prefix(shortest) if shortest <= steps else None)


@pytest.mark.parametrize("cutter", ["binary", "inner"])
@pytest.mark.parametrize(("step", "first"), [(3, 3), (12, 12), (None, 6)])
def test_a_search_may_start_where_the_trace_first_gives_the_answer(
    cutter: str, step: int | None, first: int
) -> None:
    params = {
        "cutter": cutter,
        "start": "answer",
        "temperature": 0.0,
        "removable": "any",
        "inner_checks": 9,
    }
    search = make_cutter(params)(Facts(["step"] * 12, step))
    assert next(search).kept == prefix(first)


@pytest.mark.parametrize("cutter", VALIDATING)
def test_a_greedy_validator_is_not_asked_the_same_again(cutter: str) -> None:
    params = {"cutter": cutter, "temperature": 0.0, "removable": "any", "inner_checks": 9}
    search = make_cutter(params)(Facts(["step"] * 12))
    _, asked = run(search, from_length(3))
    assert len(set(asked)) == len(asked)
    assert not any(candidate.greedy for candidate in asked)


@settings(max_examples=200)
@given(st.data(), st.integers(2, 40), st.integers(0, 80))
def test_removal_from_within_asks_about_nothing_twice(data, n: int, most: int) -> None:
    """Whatever the steps that are needed, and as long as the checks last, each one is new."""
    steps = st.integers(0, n - 1)
    needed, removable = data.draw(st.sets(steps)), sorted(data.draw(st.sets(steps)))

    def is_valid(kept: Kept) -> bool:
        return needed <= {step for start, end in kept for step in range(start, end)}

    outcome, asked = run(inner(n, Limits(), removable, most), is_valid)
    assert len(set(asked)) == len(asked)
    if most >= 2 * len(removable):  # then the checks last
        kept = {step for start, end in outcome.kept for step in range(start, end)}
        last = outcome.kept[-1][1] - 1
        assert kept == {
            s for s in range(last + 1) if s in needed or s not in removable or s == last
        }


def test_by_default_only_reflections_that_find_no_fault_may_go_from_within() -> None:
    steps = ["Add. ", "Wait, fine. ", "Wait, it is wrong. ", "Let me check. ", "So 4. ", "Done."]
    params = {
        "cutter": "inner",
        "temperature": 0.0,
        "removable": "reflections",
        "inner_checks": 9,
    }
    outcome, _ = run(make_cutter(params)(Facts(steps)), lambda kept: kept[-1][1] >= 5)
    assert outcome.kept == ((0, 1), (2, 3), (4, 5))
