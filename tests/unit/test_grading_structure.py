"""Tuples, intervals, sets, lists, matrices and equations are read part by part."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.grading.comparison.forms import (
    Brackets,
    Items,
    Leaf,
    Matrix,
    Named,
    Relation,
    Union,
)
from cotdistil.grading.comparison.structure import read_form
from cotdistil.grading.grader import Grader
from cotdistil.grading.spelling.normalise import normalise

ONE, TWO = Leaf("1"), Leaf("2")


@pytest.mark.parametrize(
    ("answer", "form"),
    [
        ("1", ONE),
        ("(1)", ONE),
        ("(1, 2]", Brackets("(", (ONE, TWO), "]")),
        ("1, 2", Items((ONE, TWO))),
        (r"\{1, 2\}", Items((ONE, TWO), is_set=True)),
        (r"\{1\}", Items((ONE,), is_set=True)),
        (r"\emptyset", Items((), is_set=True)),
        (r"1 \pm x", Items((Leaf("1+x"), Leaf("1-x")))),
        (
            r"(1,2) \cup (2,1)",
            Union((Brackets("(", (ONE, TWO), ")"), Brackets("(", (TWO, ONE), ")"))),
        ),
        ("x = 1", Named("x", ONE, "x=1")),
        ("x + y = 1", Relation("x+y", "=", "1")),
        (r"1 \le x < 2", Brackets("[", (ONE, TWO), ")", "x")),
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
    (r"\emptyset", r"\{\}"),
    (r"\emptyset", "empty set"),
    ("12", "m+n = 5+7 = 12"),
    (r"\frac{3}{5}", r"\sin\theta = \frac{3}{5}"),
    ("3", "AB = 3"),
    ("(1,2)", "x = 1, y = 2"),
    ("(x,y) = (3,4)", "(3,4)"),
    ("(3,-4)", "P(3,-4)"),
    ("x_1 = 2, x_2 = -3", "x = 2, x = -3"),
    ("f(n) = n+1", "f(x) = x+1"),
    ("f(x) = x", r"f(x) = x \text{ for all } x"),
    (r"-1 < x \le 4", r"x > -1 \text{ and } x \le 4"),
    (r"(-\infty,-1) \cup (4,\infty)", r"x < -1 \text{ or } x > 4"),
    (r"(1,2) \cup (3,4)", r"1 < x < 2 \text{ or } 3 < x < 4"),
    (r"\{-1\} \cup [0,7)", r"x = -1 \text{ or } 0 \le x < 7"),
    (r"(-\infty,1) \cup (1,\infty)", r"x \ne 1"),
    (r"(-\infty,1) \cup (1,2) \cup (2,\infty)", r"x \ne 1, 2"),
    (r"(-\infty,1) \cup (1,\infty)", r"\mathbb{R} \setminus \{1\}"),
    (r"(-\infty,\infty)", r"\text{all real numbers}"),
    ("(-3,3)", "|x| < 3"),
    ("x < y", "y > x"),
    ("f(2) < f(1) < f(4)", "f(4) > f(1) > f(2)"),
    (r"\{1, 2, 2\}", r"\{1, 2\}"),
    (r"x \equiv 3 \pmod{5}", "x ≡ -2 (mod 5)"),
    ("3:4", "6:8"),
    ("3:4", r"\frac{3}{4}"),
    ("3:4", "3 to 4"),
    (
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\left[\begin{array}{cc} 1 & 2 \\ 3 & 4 \end{array}\right]",
    ),
    (r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}", "[[1,2],[3,4]]"),
    (
        r"\begin{pmatrix} 1/2 & 1 \\ 3/2 & 2 \end{pmatrix}",
        r"\frac{1}{2} \begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
    ),
    ("ACF", "A, C, F"),
    ("D", "d)"),
    ("parabola", "The graph is a parabola"),
    ("no solution", "There are no solutions."),
    ("does not exist", "DNE"),
    ("No", "No, it is not."),
    ("Yes", "yes"),
    ("54_7", "54 (base 7)"),
    ("54_7", r"54 \text{ in base seven}"),
    (r"9.8\text{ m/s}^2", r"9.8 \, \mathrm{m \cdot s^{-2}}"),
    ("1500000", "1.5 million"),
    (r"\$1.5 million", "1.5 million dollars"),
    (r"1011_2", r"(1011)_{\text{two}}"),
    ("1:58 am", "1:58 a.m."),
    (r"2\sqrt{2}", r"2\sqrt{2} \approx 2.83"),
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
    (r"\emptyset", "0"),
    (r"\emptyset", r"\{0\}"),
    ("4", "2x = 4"),
    ("5", "x + y = 5"),
    ("(1,2)", "x = 2, y = 1"),
    ("f(n) = n+1", "g(x) = x+1"),
    ("f(x) = n+1", "f(n) = n+1"),
    (r"-1 < x \le 4", r"x < -1 \text{ or } x \ge 4"),
    (r"(-\infty,1) \cup (2,\infty)", r"x \ne 1"),
    ("x < y", "y < x"),
    (r"x \equiv 3 \pmod{5}", r"x \equiv 3 \pmod{7}"),
    (r"x \equiv 3 \pmod{5}", r"x \equiv 2 \pmod{5}"),
    ("1:20", "2:40"),
    (
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
        r"\begin{vmatrix} 1 & 2 \\ 3 & 4 \end{vmatrix}",
    ),
    ("The first is larger", "The second is larger"),
    ("parabola", "The graph is not a parabola"),
    (r"\$20", "20 cents"),
    ("1.5", "1.5 million"),
    (r"1011_2", r"1011_{\text{three}}"),
    ("54_7", "54 (base 8)"),
    ("Yes", "no"),
    ("1:58 am", "1:58 pm"),
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
