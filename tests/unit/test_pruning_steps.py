"""Thinking is cut into steps where a reader would pause, and nothing of it is lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.pruning.steps import LONG_PARAGRAPH, piece_ends, split_steps, step_ends
from cotdistil.pruning.uncuttable import LONG_FORMULA

PIECES = [
    "\n\n",
    "\n",
    "\r\n",
    " ",
    "First, add. ",
    "Wait, no. ",
    "Alternatively, ",
    "3.14",
    "e.g. ",
    "```\n",
    "```python\n",
    "~~~\n",
    "$$",
    "\\[",
    "\\]",
    "\\\\[2pt]",
    "\\begin{align}",
    "\\end{align}",
    "\\begin{cases}",
    "\\end{cases}",
    "。",
    "é",
    "- a ",
    "* b. Wait, ",
    "\n1. a. ",
    "\n2) b",
    "\n(a) c",
    "\n\n3. ",
    "\n   - d",
    "   ",
    "\t",
    "| x |\n",
    "$y = 1. $",
    "\\( z. \\)",
]


def trace_like() -> st.SearchStrategy[str]:
    return st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=6)), max_size=60).map(
        "".join
    )


@settings(max_examples=200, deadline=None)
@given(thinking=trace_like())
def test_the_steps_joined_are_the_thinking_again(thinking: str) -> None:
    steps = split_steps(thinking)
    assert "".join(steps) == thinking
    assert all(steps)
    assert all(step.strip() for step in steps) or not thinking.strip()
    assert set(step_ends(thinking)) <= set(piece_ends(thinking))


@settings(max_examples=100, deadline=None)
@given(before=trace_like(), inside=st.lists(st.sampled_from(["x. ", "Wait, ", "\n\n"]), max_size=6))
def test_code_is_never_cut_inside_wherever_it_stands(before: str, inside: list[str]) -> None:
    before = before.replace("`", "").replace("~", "")
    block = "```python\n" + "".join(inside) + "\n```"
    thinking = f"{before}\n{block}\n\nThe code says 4."
    assert any(block in step for step in split_steps(thinking))


@pytest.mark.parametrize(
    "block",
    [
        "$$\na = 1.\n\\text{Wait, so}\nb = 2.\n$$",
        "\\[\na = 1. \\\\\n\nWait, b = 2.\n\\]",
        "\\begin{align}\na &= 1. \\\\[2pt]\n\nb &= 2.\n\\end{align}",
        "\\begin{cases} a. \n\n \\begin{cases} b. \n\n \\end{cases} Wait, \n\n \\end{cases}",
        "~~~\nx = 1\n\nWait, y = 2\n~~~",
        "```\n$$\n\nWait.\n```",
        "```` python\n```\n\nWait.\n```\n\nx\n````",
        "````\na = 1\n\nWait, b = 2\n`````",
        "~~~ `a`\n```\n\nWait.\n~~~~ \t",
        "~~~\na\n\n```\n\n~~~ b\n\nWait, c\n~~~",
        "$$\na\n\nb\n$$",
        "$$\nx = 1 \\text{ for all of these numbers}\n\n\\Rightarrow y. Wait, z\n$$",
    ],
)
def test_formulas_and_code_stay_whole(block: str) -> None:
    thinking = f"Let us see.\n\n{block}\n\nWait, is that so?\n\nYes."
    steps = split_steps(thinking)
    assert [step.strip() for step in steps] == [
        "Let us see.",
        block.strip(),
        "Wait, is that so?",
        "Yes.",
    ]


def test_code_in_one_line_is_no_opening_fence() -> None:
    block = "```\na = 1\n\nb = 2\n```"
    for line in ("```x = 1```", "``` a. Wait, b ``` is code.", "It is `a. Wait, b` here."):
        steps = split_steps(f"{line}\n\nText.\n\n{block}\n\nEnd.")
        assert steps == [f"{line}\n\n", "Text.\n\n", f"{block}\n\n", "End."]


@pytest.mark.parametrize("closer", ["``", "~~~", "``` x", "```x = 1```"])
def test_a_fence_that_does_not_close_the_code_is_part_of_it(closer: str) -> None:
    block = f"```\na\n\n{closer}\n\nb\n```"
    assert split_steps(f"{block}\n\nEnd.") == [f"{block}\n\n", "End."]


def test_a_display_formula_that_is_never_closed_does_not_reach_into_the_next() -> None:
    before = "$$ a\n\nSo this is the first one.\n\n"
    formula = "$$\nb. Wait, c\n$$"
    assert split_steps(f"{before}{formula}\n\nEnd.")[2:] == [f"{formula}\n\n", "End."]
    long = "$$" + "x + y\n\n" * (LONG_FORMULA // 6) + "$$"
    assert len(split_steps(long)) > 100


def test_the_space_after_a_row_break_opens_no_formula() -> None:
    thinking = "A row ends with \\\\[2pt] here.\n\nTwo.\n\nThree ends with \\] here.\n\nFour."
    assert len(split_steps(thinking)) == 4


@pytest.mark.parametrize(
    "inline",
    [
        "So \\( a = 1. \\text{ Wait, } b \\) holds.",
        "So $a = 1. $ Wait-free.",
        "So $f(x) = 1.\\$ Wait, $ it is.",
        "We get $3! \\times 4! = 144$ ways, so $2^n. Wait, x$ it is.",
        "So $5! 4! + 1. \\text{ Wait, }$ holds.",
        "So $2x = 1. Wait, x$ holds.",
    ],
)
def test_a_sentence_end_inside_a_formula_in_the_line_cuts_nothing(inline: str) -> None:
    assert split_steps(f"{inline}\n\nYes.") == [f"{inline}\n\n", "Yes."]
    assert piece_ends(inline) == [len(inline)]


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("So 5! = 120 and 3! (or 6) too.", 1),
        ("It is (n - 1)! * n! ways. Next.", 2),
        ("It is 5! Now we add.", 2),
        ("It is n! Now we add.", 2),
        ("It is 5! 所以", 2),
        ("It is 5!\n= 120.", 2),
        ("Great! 5 is it.", 2),
    ],
)
def test_a_factorial_ends_a_sentence_only_before_a_word(text: str, pieces: int) -> None:
    assert len(piece_ends(text)) == pieces


@pytest.mark.parametrize(
    "amounts",
    [
        ("It costs $5 and then $7. ", "Wait, $3 + $4 = $7. ", "Wait, it is $8."),
        ("It is $5 + tax. ", "Wait, and $ 6. ", "Wait, $7."),
        ("At $5 = 4 + 1 each. ", "Wait, with $\\alpha = 1$ it is $9."),
    ],
)
def test_sums_of_money_open_no_formula(amounts: tuple[str, ...]) -> None:
    assert split_steps("".join(amounts)) == list(amounts)


def test_amounts_of_money_open_no_formula() -> None:
    assert split_steps("It costs $5. Wait, two cost $9. Wait, no: $10.\n\nYes.") == [
        "It costs $5. ",
        "Wait, two cost $9. ",
        "Wait, no: $10.\n\n",
        "Yes.",
    ]


def test_the_rows_of_a_table_stay_together() -> None:
    table = "| a | b |\n|---|---|\n| 1. | Wait, 2 |\n| 3 | 4 |\n"
    assert split_steps(f"A table:\n{table}Wait, is it?") == ["A table:\n", table, "Wait, is it?"]


@pytest.mark.parametrize("opener", ["```python\n", "$$ ", "\\[ ", "\\begin{align} ", "\\( ", "$x "])
def test_a_block_that_is_never_closed_protects_nothing(opener: str) -> None:
    assert len(split_steps(f"One.\n\n{opener}two.\n\nThree.\n\nFour.")) == 4


@pytest.mark.parametrize(
    "opener",
    [
        "Wait, that is wrong.",
        "Hmm, 4 is even.",
        "Hold on, is it?",
        "Alternatively, use induction.",
        "Actually, no.",
        "But wait, 3 is prime.",
        "Another way is to count.",
        "Let me double-check this.",
        "Let's verify the sum.",
        "Let me just make sure.",
        "Double-checking: 2 + 2 = 4.",
        "Just to be sure, add again.",
        "**Wait**, no.",
        "Is that right?",
    ],
)
@pytest.mark.parametrize("space", [" ", "\n"])
def test_a_reflection_starts_a_step_also_in_the_middle_of_a_paragraph(
    opener: str, space: str
) -> None:
    thinking = f"Add the two.{space}{opener} So it is 4.\n\nDone."
    steps = split_steps(thinking)
    assert steps == [f"Add the two.{space}", f"{opener} So it is 4.\n\n", "Done."]


def test_words_that_only_look_like_a_reflection_start_no_step() -> None:
    thinking = (
        "The train does not wait. Waiting costs 3. Let x be 4. I checked it. It can wait.\n\nDone."
    )
    assert len(split_steps(thinking)) == 2


def test_short_paragraphs_are_steps_and_long_ones_are_cut_at_sentences() -> None:
    short = "One sentence. And another one.\n\n"
    assert split_steps(short * 3) == [short] * 3
    sentence = "The number is 3.14, e.g. a bit over 3. "
    long = sentence * (LONG_PARAGRAPH // len(sentence) + 2)
    assert split_steps(f"{short}{long}\n\nDone.")[1] == sentence


def test_without_any_blank_line_every_sentence_and_line_is_a_step() -> None:
    assert split_steps("Add 2. Then 3.\n1. Carry on\n答案是四。完") == [
        "Add 2. ",
        "Then 3.\n",
        "1. Carry on\n",
        "答案是四。",
        "完",
    ]
    assert split_steps("") == []
    assert split_steps(" \n ") == [" \n "]


@pytest.mark.parametrize(
    "unit",
    [
        *[
            "x",
            "A word. ",
            "...",
            "Wait, ",
            "$$ ",
            "```\n",
            "\\[",
            "\\begin{a}",
            "\n",
            "。",
            "!\"'",
        ],
        *["- a\n", "1. a\n\n", "1. a\n  - b\n", "- 3\n", "(a) b\n", "- a\n  b\n", "- a\n\n\n"],
        *["!\"'", "| a |\n", "| a ", "$x. ", "$x\\$", "\\( ", "\\(a\\) ", " ", " \n"],
        *["$5 = ", "$5\\$", "5! ", "`a", "``` `\n", "~~~ x\n", "**1.** a\n", "**1. a**\n", "– a\n"],
    ],
)
def test_a_hundred_thousand_characters_without_a_paragraph_take_linear_time(unit: str) -> None:
    def seconds(length: int) -> float:
        thinking = (unit * length)[:length]
        started = time.process_time()
        steps = split_steps(thinking)
        elapsed = time.process_time() - started
        assert "".join(steps) == thinking
        return elapsed

    # Quadratic time is 64 times that of an eighth of the length; a busy machine gets two tries.
    ratios = [seconds(100_000) / (seconds(12_500) + 0.01) for _ in range(2)]
    assert min(ratios) < 24
