"""A second look that takes nothing back may go; a correction stays."""

from __future__ import annotations

import time

import pytest

from cotdistil.pruning.reflections import is_idle_reflection


@pytest.mark.parametrize(
    "step",
    [
        "Wait, no, it is 42, not 41.",
        "Wait, no.",
        "Wait no, because k is even.",
        "Hmm, no. That is the wrong side.",
        "But wait, that can't be.",
        "Wait, that can’t be right.",
        "Wait, so that cannot be the case.",
        "Hmm, that doesn't match.",
        "Wait, that doesn't make sense.",
        "Hmm, that doesn't add up.",
        "Wait, but that would be inconsistent.",
        "Wait, I forgot to carry the 1, so it is 42.",
        "Alternatively, maybe I misread the problem.",
        "Wait, it is not 5 because I forgot the 1.",
        "Let me check. It is 12, not 11.",
        "Hmm, maybe not.",
        "Hold on, the result seems too small.",
        "Wait, it should be 12.",
        "Let me check: that is wrong.",
        "Actually, x is 3.",
        "Let me check this. Oops, 4 + 4 is 8.",
    ],
)
def test_what_takes_something_back_is_not_idle(step: str) -> None:
    assert not is_idle_reflection(step)


@pytest.mark.parametrize(
    "step",
    [
        "Wait, is that so? 2 + 2 = 4. Yes.",
        "\n Hmm, that seems straightforward.",
        "Let me double-check to make sure I didn't make a mistake. 4 + 4 = 8. Yes.",
        "Let me check again in case I made an error.",
        "Hmm, I don't see any mistakes here.",
        "Let me see if there is any possible mistake here.",
        "Wait, let me make sure I didn’t misread it. It says 4. Right.",
        "Hmm, let me check. Nothing wrong here.",
        "Let me verify: 5 * 8 = 40. So the answer should be 40.",
        "Alternatively, they count weeks, but that doesn't match the question.",
        "Alternatively, 8 * 5 = 40. The same.",
    ],
)
def test_a_look_that_finds_nothing_is_idle(step: str) -> None:
    assert is_idle_reflection(step)


def test_what_opens_with_no_reflection_is_not_idle() -> None:
    assert not is_idle_reflection("So it is 4. Wait, is it? Yes.")


@pytest.mark.parametrize("unit", ["no ", "wait, ", "not ", "I ", "I a ", "!", "n't a", "should "])
def test_a_step_of_any_length_is_read_in_linear_time(unit: str) -> None:
    def seconds(length: int) -> float:
        step = "Wait, " + (unit * length)[:length]
        started = time.process_time()
        is_idle_reflection(step)
        return time.process_time() - started

    assert min(seconds(200_000) / (seconds(25_000) + 0.01) for _ in range(2)) < 24
