"""A list in the thinking is never cut apart, however long it is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.pruning.lists import find_lists
from cotdistil.pruning.steps import split_steps


def lists_of(text: str) -> list[str]:
    return [text[start:end] for start, end in find_lists(text)]


@pytest.mark.parametrize(
    "items",
    [
        "- a: 1\n- b: 2",
        "* apples\n* pears\n* plums",
        "• one\n•two",
        "+ apples\n+ pears",
        "1. Add.\n2. Wait, subtract. Hmm, no.\n3. Done.",
        "1) T = Q + 7\n\n2) 2T + 3Q = 44",
        "(a) 3\n(b) 4",
        "A) 1 + r\n\nB) 1 + 2r",
        "(i) 3\n\n(ii) 4\n\n(iii) 5",
        "1. one\n1. two\n1. three",
        "1. Add.\n\n2. Wait, subtract.\n\n\n3. Done.",
        "1. Add:\n\n   2 + 2 = 4.\n\n   Wait, that is right.\n2. Done.",
        "1. **Apples**:\n- 3 red\n- 4 green\n2. **Pears**:\n- 5\n- 6",
        "1. Apples\n\n   - 3 red\n   - 4 green\n\n2. Pears",
        "1. Add.\n2. Look:\n   \\[\n   2 + 2\n   \\]",
        "- 3 + 4 = 7\n- 5 + 6 = 11",
        "1. Add the two.\nThat gives 4. Wait, does it?\n2. Done.",
        "- one\r\n- two\r\n\r\n- three",
        "– one\n– two. Wait, no.\n\n– three",
        "• 3 + 4\n• 5\n\n• 6",
        "◦ one\n◦ two\n\n◦ three",
        "**1.** Add. Wait, no.\n\n**2.** Subtract.\n\n**3.** Done.",
        "**1. Apples:** 3 red\n\n**2. Pears:** 5. Wait, 6.",
        "**1. Add** the two.\n**2. Subtract** one.",
        "**(a)** 3\n\n**(b)** 4",
    ],
)
def test_a_list_is_never_cut(items: str) -> None:
    assert lists_of(items) == [items]
    assert split_steps(f"We have:\n\n{items}\n\nWait, is that so?\n\nYes.") == [
        "We have:\n\n",
        f"{items}\n\n",
        "Wait, is that so?\n\n",
        "Yes.",
    ]
    long_before = "A sentence of some length stands here. " * 20
    assert any(items in step for step in split_steps(f"{long_before}\n{items}\nWait, no.\n\nYes."))


@pytest.mark.parametrize(
    "text",
    [
        "1. Only one item.",
        "- 5",
        "1. First, we add.\n\nThat gives 4.\n\n2. Then we stop.",
        "**Step 1:** Add.\n\n**Step 2:** Subtract.",
        "**1. Add**\n\nThat gives 4.\n\n**2. Stop**\n\nDone.",
        "**1. Add**\nThat gives 4.\n\n**2. Stop:**\nDone.",
        "**1. Add**\n\n**2. Stop**",
        "  180\n– 60\n– 20\n= 100",
        "  180\n- 60\n- 20\n= 100",
        "3\n* 5\n* 7\n= 105",
        "2 *\n3 +\n4",
        "-3\n-4",
        "3.5 is more\n3.4 is less",
        "*one*\n*two*",
        "2020. A year.\n2021. Another.",
        "(x) is given.\n(x) is small.",
        "Plan A. Go.\nPlan B. Stay.",
    ],
)
def test_what_only_looks_like_a_list_protects_nothing(text: str) -> None:
    assert lists_of(text) == []


@pytest.mark.parametrize(
    ("text", "lists"),
    [
        ("- a\n- b\n\nSo 3.\n\n- c\n- d", ["- a\n- b", "- c\n- d"]),
        ("1. a\n2. b\n\n1. c\n2. d", ["1. a\n2. b", "1. c\n2. d"]),
        ("1. a\n2. b\n\n7. c", ["1. a\n2. b"]),
        ("- a\n- b\nThat makes 3.", ["- a\n- b"]),
        (
            "- a\n- b\n  and more\n\n  and more\nThat makes 3.",
            ["- a\n- b\n  and more\n\n  and more"],
        ),
    ],
)
def test_a_list_ends_where_a_reader_sees_its_end(text: str, lists: list[str]) -> None:
    assert lists_of(text) == lists


def test_a_long_list_with_long_items_is_whole_too() -> None:
    item = "{n}. Multiply by {n}. Wait, is it right? Yes.\n   - It is {n}.\n   - Hmm, so it is.\n\n"
    thought = "41. " + "We think about it for a while. " * 40 + "\n   - red: 3. Wait, 4.\n"
    text = "".join(item.format(n=n) for n in range(1, 41)) + thought + "42. Done.\n\n"
    assert split_steps(f"Let us see.\n\n{text}Yes.") == ["Let us see.\n\n", text, "Yes."]


@settings(max_examples=100, deadline=None)
@given(
    before=st.lists(st.sampled_from(["x. ", "Wait, ", "\n\n", "\n", "é ", "$ "]), max_size=20),
    inside=st.lists(st.sampled_from(["x. ", "Wait, no. ", "\n   ", "\n\n  ", "3.1 "]), max_size=12),
    gap=st.sampled_from(["\n", "\n\n", "\n \n\n"]),
)
def test_a_list_is_whole_wherever_it_stands(before: list[str], inside: list[str], gap: str) -> None:
    text = "".join(inside)
    items = f"1. So {text}x{gap}2. Then {text}y{gap}3. Done"
    steps = split_steps(f"{''.join(before)}\n\nWe see\n\n{items}\n\nThe answer is 4.")
    assert any(items in step for step in steps)


def test_lists_within_lists_take_linear_time() -> None:
    def seconds(depth: int) -> float:
        text = "".join(" " * n + "- item\n" for n in range(depth))
        started = time.process_time()
        steps = split_steps(text)
        elapsed = time.process_time() - started
        assert "".join(steps) == text
        return elapsed

    # A list of four times the depth is sixteen times as long; quadratic time would be 256 times.
    assert min(seconds(800) / (seconds(200) + 0.005) for _ in range(2)) < 64
