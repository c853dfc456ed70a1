"""The laws of the search for the shortest prefix that validates."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.pruning.binary_cut import (
    CUT,
    NOT_VALIDATED,
    TOO_FEW_STEPS,
    WHOLE,
    BinaryCut,
    Cutter,
    FullTrace,
    cut_all,
    most_rounds,
)


def search(cutter: Cutter, verdicts: dict[int, bool | None]) -> list[int]:
    """Runs a search to its end; gives the lengths it asked for, in order."""
    asked = []
    while (length := cutter.next_length()) is not None:
        asked.append(length)
        cutter.tell(verdicts[length])
    return asked


def most_calls(steps: int) -> int:
    return math.ceil(math.log2(steps)) + 2


@settings(max_examples=200)
@given(data=st.data(), steps=st.integers(2, 5000), min_steps=st.integers(1, 6))
def test_where_longer_prefixes_validate_too_the_shortest_one_is_found(
    data: st.DataObject, steps: int, min_steps: int
) -> None:
    shortest = data.draw(st.integers(1, steps))
    cutter = BinaryCut(steps, min_steps)
    asked = search(cutter, {length: length >= shortest for length in range(1, steps + 1)})
    assert cutter.result == min(steps, max(shortest, min_steps))
    assert cutter.reason == (WHOLE if cutter.result == steps else CUT)
    assert len(asked) <= most_calls(steps)
    assert len(set(asked)) == len(asked)


@settings(max_examples=300)
@given(
    verdicts=st.lists(st.booleans(), min_size=1, max_size=300),
    min_steps=st.integers(1, 6),
    min_steps_to_cut=st.integers(1, 4),
    invalid=st.sampled_from(["drop", "keep"]),
)
def test_whatever_validates_the_kept_prefix_was_validated_itself(
    verdicts: list[bool], min_steps: int, min_steps_to_cut: int, invalid: str
) -> None:
    steps = len(verdicts)
    cutter = BinaryCut(steps, min_steps, min_steps_to_cut, invalid)
    asked = search(cutter, dict(enumerate(verdicts, 1)))
    assert len(asked) <= most_calls(steps)
    assert len(set(asked)) == len(asked)
    assert all(min(min_steps, steps) <= length <= steps for length in asked)
    if steps < min_steps_to_cut:
        assert (asked, cutter.result, cutter.reason) == ([], steps, TOO_FEW_STEPS)
    elif cutter.reason == NOT_VALIDATED:
        assert not any(verdicts[length - 1] for length in asked)
        assert steps in asked
        assert cutter.result == (steps if invalid == "keep" else None)
    else:
        assert cutter.reason == (CUT if cutter.result < steps else WHOLE)
        assert cutter.result == min(length for length in asked if verdicts[length - 1])


@settings(max_examples=200)
@given(data=st.data(), steps=st.integers(2, 300))
def test_prefixes_too_long_to_ask_about_are_passed_over_for_the_longest_that_fits(
    data: st.DataObject, steps: int
) -> None:
    fits = data.draw(st.integers(0, steps))
    shortest = data.draw(st.integers(1, steps))
    cutter = BinaryCut(steps)
    lengths = range(1, steps + 1)
    verdicts = {n: None if n > fits else n >= shortest for n in lengths}
    asked = search(cutter, verdicts)
    assert cutter.result == (shortest if shortest <= fits else None)
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("steps", [1, 2, 3, 64, 65, 5000])
def test_a_validator_that_always_agrees_leaves_the_fewest_steps_and_one_that_never_does_none(
    steps: int,
) -> None:
    lengths = range(1, steps + 1)
    always = BinaryCut(steps, min_steps_to_cut=1)
    assert len(search(always, dict.fromkeys(lengths, True))) <= most_calls(steps)
    assert always.result == 1
    never = BinaryCut(steps, min_steps_to_cut=1)
    asked = search(never, dict.fromkeys(lengths, False))
    assert len(asked) <= most_calls(steps)
    assert asked[-1] == steps
    assert (never.result, never.reason) == (None, NOT_VALIDATED)
    kept = BinaryCut(steps, min_steps_to_cut=1, invalid="keep")
    search(kept, dict.fromkeys(lengths, False))
    assert (kept.result, kept.reason) == (steps, NOT_VALIDATED)


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_a_trace_of_few_steps_is_left_as_it_is_without_asking(steps: int) -> None:
    cutter = BinaryCut(steps, min_steps_to_cut=5)
    assert (cutter.next_length(), cutter.result) == (None, steps)
    with pytest.raises(RuntimeError, match="the search is over"):
        cutter.tell(True)


@pytest.mark.parametrize("verdict", [True, False, None])
@pytest.mark.parametrize("invalid", ["drop", "keep"])
def test_the_control_asks_for_the_full_trace_alone(verdict: bool | None, invalid: str) -> None:
    cutter = FullTrace(7, invalid)
    assert search(cutter, {7: verdict}) == [7]
    assert cutter.result == (7 if verdict or invalid == "keep" else None)
    assert cutter.reason == (WHOLE if verdict else NOT_VALIDATED)
    without_steps = FullTrace(0, invalid)
    assert search(without_steps, {}) == []
    assert (without_steps.result, without_steps.reason) == (0, TOO_FEW_STEPS)


@settings(max_examples=50)
@given(
    traces=st.lists(st.tuples(st.integers(1, 400), st.integers(1, 500)), min_size=0, max_size=12)
)
def test_one_call_per_round_validates_a_cut_of_every_open_trace(
    traces: list[tuple[int, int]],
) -> None:
    rounds: list[list[tuple[int, int]]] = []

    def validate_round(asked: list[tuple[int, int]]) -> list[bool | None]:
        rounds.append(asked)
        return [length >= traces[trace][1] for trace, length in asked]

    counts = [steps for steps, _ in traces]
    searches = cut_all(counts, validate_round)
    alone = [BinaryCut(steps) for steps in counts]
    asked_alone = [
        search(cutter, {n: n >= shortest for n in range(1, steps + 1)})
        for cutter, (steps, shortest) in zip(alone, traces, strict=True)
    ]
    assert searches == alone
    assert len(rounds) == max(map(len, asked_alone), default=0) <= most_rounds(counts)
    for number, asked in enumerate(rounds):
        # Every trace whose search is open, each once, ascending.
        assert asked == [
            (trace, lengths[number])
            for trace, lengths in enumerate(asked_alone)
            if number < len(lengths)
        ]


def test_a_validator_that_loses_a_verdict_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"zip\(\)"):
        cut_all([4, 4], lambda asked: [True])
