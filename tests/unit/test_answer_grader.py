"""An answer counts in pruning where it was come to, and not where the question is repeated."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cotdistil.pruning.answer_grader import AnswerGrader


@pytest.fixture(scope="module")
def grader() -> Iterator[AnswerGrader]:
    with AnswerGrader() as grader:
        yield grader


@pytest.mark.parametrize(
    ("question", "gold", "answer"),
    [
        ("Compute 8-14-1-12.", "-19", "8-14-1-12"),
        ("Compute 8-14-1-12.", "-19", "(8-14-1-12)"),
        ("Compute 8-14-1-12.", "-19", "8 − 14 − 1 − 12"),
        ("Compute 8-14-1-12.", "-19", "$8-14-1-12$"),
        ("Compute 8-14-1-12.", "-19", "8-14-13"),
        ("Compute 8-14-1-12.", "-19", "-6-1-12"),
        ("What is 84/12?", "7", "84/12"),
        ("3 * 4", "12", "3 \\times 4"),
        ("What is $2^{10}$?", "1024", "2^{10}"),
        ("Simplify $x^2 \\cdot x^3$.", "x^5", "x^2 \\cdot x^3"),
        ("Simplify x*x*x*x*x.", "x^5", "x*x*x*x*x"),
        ("Expand $(x+1)^2$.", "x^2+2x+1", "(x+1)^2"),
        ("Half of 9?", "9/2", None),
    ],
)
def test_an_answer_in_which_nothing_was_computed_is_not_right(
    grader: AnswerGrader, question: str, gold: str, answer: str | None
) -> None:
    assert not grader.is_right(gold, answer, question)


@pytest.mark.parametrize(
    ("question", "gold", "answer"),
    [
        ("Compute 8-14-1-12.", "-19", "-19.0"),
        ("Halve 1.", "0.5", "\\frac{1}{2}"),
        ("How much?", "18", "\\$18.00"),
        ("Say 42", "42", "42"),
        ("It involves xy and z.", "y*x", "xy"),
        ("Let c = b+a.", "a+b", "b+a"),
        ("Halve 1/2 + 1/2", "\\frac{1}{2}", "1/2"),
        ("Find the sine of 60 degrees.", "\\frac{\\sqrt{3}}{2}", "\\sqrt{3}/2"),
        ("Either root?", 'any of: ["x+1", "x-1"]', "x-1"),
    ],
)
def test_what_was_come_to_is_right_however_it_is_written(
    grader: AnswerGrader, question: str, gold: str, answer: str
) -> None:
    assert grader.is_right(gold, answer, question)


def test_a_gold_answer_that_nothing_can_be_compared_with_is_known_before_anything_is_asked(
    grader: AnswerGrader,
) -> None:
    assert grader.can_read("42")
    assert grader.can_read("x^2 + 1")
    assert not grader.can_read("\\frac{")
    assert not grader.can_read("")
