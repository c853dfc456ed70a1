"""Tuples, intervals, sets, lists, matrices and equations are read part by part."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.grading.grader import Grader
from cotdistil.grading.normalise import normalise
from cotdistil.grading.structure import (
    Brackets,
    Items,
    Leaf,
    Matrix,
    Named,
    Relation,
    Union,
    read_form,
)

ONE, TWO = Leaf("1"), Leaf("2")


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        ("1", ONE),
        ("(1)", ONE),
        ("(1, 2]", Brackets("(", (ONE, TWO), "]")),
        ("1, 2", Items((ONE, TWO))),
        (r"\{1, 2\}", Items((ONE, TWO))),
        (r"\{1\}", Items((ONE,))),
        (r"1 \pm x", Items((Leaf("1+x"), Leaf("1-x")))),
        (
            r"(1,2) \cup (2,1)",
            Union((Brackets("(", (ONE, TWO), ")"), Brackets("(", (TWO, ONE), ")"))),
        ),
        ("x = 1", Named("x", ONE, "x=1")),
        ("x + y = 1", Relation("x+y", "=", "1")),
        (r"1 \le x < 2", Brackets("[", (ONE, TWO), ")")),
        (r"x \in (1, 2)", Brackets("(", (ONE, TWO), ")")),
        ("1:2", Brackets(":", (ONE, TWO), ":")),
        (r"\begin{pmatrix} 1 & 2 \\ 2 & 1 \end{pmatrix}", Matrix(((ONE, TWO), (TWO, ONE)))),
    ],
)
def test_each_kind_of_answer_is_recognised(answer, form):
    assert read_form(normalise(answer)) == form


RIGHT = [
    ("(0.5, 3)", r"\left(\frac{1}{2}, 3\right)"),
    ("1, 2, 3", "3, 1, 2"),
    (r"\{1, 2\}", r"\{2, 1\}"),
    (r"\{1, 2\}", "1 and 2"),
    ("(3, 4]", r"3 < \lambda \le 4"),
    (r"[5, \infty)", r"x \ge 5"),
    (r"(-\infty, 5)", "x < 5"),
    (r"(1,2) \cup (3,4)", r"(3,4) \cup (1,2)"),
    (r"x \in [-2, 7]", r"-2 \le x \le 7"),
    (r"\begin{pmatrix} 1/5 \\ -3.6 \end{pmatrix}", r"\begin{bmatrix} 0.2 \\ -18/5 \end{bmatrix}"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", "(1, 2)"),
    ("x = 5", "5"),
    ("5 = x", "x = 5"),
    ("x = 1, x = 2", "2, 1"),
    ("C", "(C)"),
    ("C", r"\text{(C) } 12"),
    ("3 : 4", "3:4"),
    (r"\varnothing", r"\emptyset"),
]
WRONG = [
    ("(1, 2)", "(2, 1)"),
    ("(1, 2)", "[1, 2]"),
    ("(1, 2)", "(1, 2]"),
    ("(1, 2)", r"\{1, 2\}"),
    ("(1, 2)", "(1, 2, 3)"),
    ("1, 2", "1, 2, 2"),
    ("1, 1, 2", "1, 2, 2"),
    ("1, 2", "1"),
    (r"1 \pm 2", "3"),
    (r"(-\infty, 4]", "x < 4"),
    (r"(-\infty, 4)", "x > 4"),
    (r"(1,2) \cup (3,4)", "(1,2)"),
    (
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\begin{pmatrix} 1 & 3 \\ 2 & 4 \end{pmatrix}",
    ),
    (r"\begin{pmatrix} 1 & 2 \end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
    ("x = 5", "y = 5"),
    ("x = 5", "x = 6"),
    ("C", "D"),
    ("C", "(D) 12"),
    ("3:4", "4:3"),
    (r"\infty", r"-\infty"),
    ("even", "odd"),
]


@pytest.mark.parametrize(
    ("gold", "answer", "correct"),
    [(*pair, True) for pair in RIGHT] + [(*pair, False) for pair in WRONG],
)
def test_the_verdict_is_the_same_whichever_of_the_two_is_the_gold(gold, answer, correct):
    with Grader(algebra=False) as grader:
        assert grader.grade(gold, answer).correct is correct
        assert grader.grade(answer, gold).correct is correct


VALUES = st.sampled_from(
    [
        "0",
        "1",
        "1.0",
        "2",
        "-1",
        "1/2",
        "0.5",
        "\\frac12",
        "x",
        "x=1",
        "\\infty",
        "1 cm",
        "1 m",
        "yes",
        "B",
        "(B)",
        "x<1",
        "10\\%",
    ]
)
ANSWERS = st.recursive(
    VALUES,
    lambda inner: st.builds(
        lambda parts, frame: frame[0] + ", ".join(parts) + frame[1],
        st.lists(inner, min_size=2, max_size=3),
        st.sampled_from([("(", ")"), ("[", "]"), ("(", "]"), (r"\{", r"\}"), ("", "")]),
    ),
    max_leaves=4,
)


@settings(deadline=None)
@given(ANSWERS, ANSWERS)
def test_right_and_wrong_are_symmetric_for_every_pair_of_answers(left, right):
    with Grader(algebra=False) as grader:
        assert grader.grade(left, right).correct == grader.grade(right, left).correct
        assert grader.grade(left, f" ${left}$. ").correct


@given(st.text(alphabet=r"(){}[]\,;:=<>&|1x ", max_size=60))
def test_no_jumble_of_brackets_stops_the_reader(text):
    read_form(text)


@pytest.mark.parametrize("text", ["(" * 4_000, "(1," * 1_300, "1," * 2_000, "x=" * 2_000])
def test_a_runaway_answer_is_wrong_and_not_an_error(text):
    with Grader(algebra=False) as grader:
        assert grader.grade("(1,2)", text).correct is False
