"""A model is shown numbered pieces of the thinking and says which of them begin a step."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.pruning.segmentation import thinking_to_cut
from cotdistil.pruning.steps import piece_ends, step_ends
from cotdistil.pruning.windows import CUT_OFF, NO_NUMBER, TOO_LONG, first_pieces, make_windows
from cotdistil.teaching.teacher import Answer

THINKING = (
    "We add the two. So 2 + 2 = 4.\n\n"
    "1. first. Wait, no.\n2. second\n\n"
    "Wait, is it?\n\n"
    "Yes. The answer is 4."
)
PIECES = [
    "We add the two. ",
    "So 2 + 2 = 4.\n\n",
    "1. first. Wait, no.\n2. second\n\n",
    "Wait, is it?\n\n",
    "Yes. ",
    "The answer is 4.",
]


def answered(text: str, finish_reason: str = "stop") -> Answer:
    return Answer("0#0", text, finish_reason=finish_reason)


def test_sentences_and_lines_are_numbered_and_a_list_is_one_piece() -> None:
    [window] = make_windows(THINKING, 6000)
    assert window.pieces == PIECES
    assert window.question() == (
        "[1] We add the two.\n[2] So 2 + 2 = 4.\n[3] 1. first. Wait, no.\n    2. second\n"
        "[4] Wait, is it?\n[5] Yes.\n[6] The answer is 4."
    )


def test_a_step_begins_where_the_model_says_and_the_text_stays_as_it_is() -> None:
    [window] = make_windows(THINKING, 6000)
    ends, reason = window.ends_by(answered("3, 5"))
    assert reason == ""
    steps = [THINKING[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    assert steps == ["".join(PIECES[:2]), "".join(PIECES[2:4]), "".join(PIECES[4:])]
    assert window.ends_by(answered("1"))[0] == [len(THINKING)]
    assert window.ends_by(answered("1, 2, 3, 4, 5, 6"))[0] == window.piece_ends


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1, 3, 5", [1, 3, 5]),
        ("[5]\n[3]\n[3]", [3, 5]),
        ("1, 3 and 5", [1, 3, 5]),
        ("[1], [3], and [5].", [1, 3, 5]),
        ("**1, 4**", [1, 4]),
        ("```\n[1, 4]\n```", [1, 4]),
        ("- 1\n- 4\n", [1, 4]),
        ("1\n\n4\n\n6", [1, 4, 6]),
        ("Steps begin at: 1, 4", [1, 4]),
        ("Steps begin at:\n1\n4", [1, 4]),
        ("\\boxed{1, 4}", [1, 4]),
        ("步骤：1, 4", [1, 4]),
        ("2, 3\n\nNo, that is too fine.\n\n1, 4", [1, 4]),
        ("1, 4\n\nThat makes 2 steps: 1, 4.", [1, 4]),
        ("1) Setup: pieces 1-3\n2) Computation: pieces 4-6", []),
        ("Setup: 1, 2, 3\nComputation: 4, 5, 6", []),
        ("The 6 pieces divide into 3 steps: 1, 3, 5.", []),
        ("Number of steps: 3", []),
        ("There are 3 steps.", []),
        ("[1] We add the two.\n[4] Wait, is it?", []),
        ("1. 1\n2. 4", []),
        ("-3", []),
        ("Steps: -3, 5", []),
        ("1-3", []),
        ("2.5", []),
        ("The steps begin at 2 and 4.", [2, 4]),
        ("<think>\nMaybe 1 or 2?\n</think>\n\n3, 6", [3, 6]),
        ("<think>\n1, 2, 3", []),
        ("0, 7, 100, 99999999999999999999", []),
        ("-", []),
        ("", []),
    ],
)
def test_numbers_of_pieces_are_read_behind_the_models_thinking(
    text: str, numbers: list[int]
) -> None:
    assert first_pieces(text, 6) == numbers


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (answered("I can't say."), NO_NUMBER),
        (answered("7, 8, 9"), NO_NUMBER),
        (answered("2, 3", "length"), CUT_OFF),
        (Answer("0#0", error="the prompt has 9 tokens"), TOO_LONG),
    ],
)
def test_where_the_model_is_of_no_help_the_steps_are_those_of_the_rule(
    answer: Answer, reason: str
) -> None:
    [window] = make_windows(THINKING, 6000)
    assert window.ends_by(answer) == (step_ends(THINKING), reason)


def test_a_line_inside_a_piece_does_not_look_like_another_piece() -> None:
    thinking = "One.\n\n```\nx\n[5] fake\r\n[6] fake\n```\n\nWait, no."
    [window] = make_windows(thinking, 6000)
    lines = window.question().splitlines()
    assert [line for line in lines if line.startswith("[")] == [
        "[1] One.",
        "[2] ```",
        "[3] Wait, no.",
    ]


def test_windows_end_where_steps_do_and_hold_no_more_than_they_are_to() -> None:
    windows = make_windows(THINKING, 65)
    assert [len("".join(window.pieces)) for window in windows] == [62, 35]
    assert ["".join(window.pieces) for window in windows] == [
        "".join(PIECES[:3]),
        "".join(PIECES[3:]),
    ]


def test_a_piece_that_is_alone_is_not_asked_about() -> None:
    windows = make_windows(f"{PIECES[2]}{PIECES[0]}{PIECES[1]}", 10)
    assert [window.is_asked for window in windows] == [False, True]


@settings(max_examples=200, deadline=None)
@given(
    thinking=st.lists(
        st.sampled_from(["One. ", "Wait, no. ", "\n\n", "- a\n- b", "\n", "  ", "$$x. $$", "é"]),
        min_size=1,
        max_size=40,
    ).map("".join),
    characters=st.integers(1, 60),
    text=st.text("0123456789, ", max_size=12),
)
def test_whatever_the_model_answers_the_steps_joined_are_the_thinking(
    thinking: str, characters: int, text: str
) -> None:
    windows = make_windows(thinking, characters)
    assert "".join(piece for window in windows for piece in window.pieces) == thinking
    assert [end for window in windows for end in window.piece_ends] == piece_ends(thinking)
    assert [end for window in windows for end in window.rule_ends] == step_ends(thinking)
    ends = [end for window in windows for end in window.ends_by(answered(text))[0]]
    steps = [thinking[a:b] for a, b in zip([0, *ends], ends, strict=False)]
    assert "".join(steps) == thinking
    assert all(step.strip() for step in steps) or not thinking.strip()


@pytest.mark.parametrize(
    ("response", "thinking"),
    [
        ("<think>\nOne.\n</think>\n\nTwo.", "One."),
        ("One.\n</think>\n\nTwo.", "One."),
        ("<think>\n\n</think>\n\nTwo.", ""),
        ("<think>\nOne.", ""),
        ("Two.", ""),
    ],
)
def test_only_thinking_that_came_to_its_end_is_cut(response: str, thinking: str) -> None:
    assert thinking_to_cut(response) == thinking
