"""Tempting near misses are wrong, and what only looks otherwise is right, either way round."""

import time

import pytest

from cotdistil.grading.grader import Grader

WRONG = [
    ("12=3x+4y", "7=3x+4y"),
    ("4=x^2+y^2", "9=x^2+y^2"),
    ("0=x-5", "1=x-5"),
    ("x^2-5x+6", "0=x^2-5x+6"),
    ("5", "4=5"),
    (r"1-\frac{1}{2^{100}}", "1"),
    (r"1-\frac{1}{2^{84}}", "1"),
    (r"2-\frac{1}{2^{99}}", "2"),
    ("100-0.1^{30}", "100"),
    ("1-10^{-26}", "1"),
    (r"\frac{1}{2^{200}}", r"\frac{1}{3^{200}}"),
    ("2^{-200}", "0"),
    (r"\frac{1}{2018!}", r"\frac{1}{2019!}"),
    ("e^{-100}+1", "1"),
    (r"\frac{1}{2^{100}}+x", "x"),
    ("|x+5|", "x+5"),
    ("|x-4|", "4-x"),
    (r"\sqrt{(x+4)^2}", "x+4"),
    (r"\lfloor x/4\rfloor", r"\lfloor x/5\rfloor"),
    (r"\arctan(\tan(x/3))", "x/3"),
    ("3", "3 dozen"),
    ("1/2", r"\frac12\text{ million}"),
    (r"\frac{\pi}{2}", r"\frac{\pi}{2}\text{ million}"),
    ("7", "7 hundredths"),
    ("5", r"5\text{ tenths}"),
    ("5", "5 squared"),
    ("5", r"5\text{ factorial}"),
    ("5", "5 less"),
    ("5", r"5\text{ or more}"),
    ("10", "10 times smaller"),
    ("4", r"4\text{ is not the answer}"),
    ("5", r"5\text{ (wrong)}"),
    (r"5\text{ eV}", r"5\text{ keV}"),
    (r"5\text{ Hz}", r"5\text{ MHz}"),
    (r"5\text{ erg}", r"5\text{ J}"),
    (r"5^\circ C", r"5^\circ F"),
    ("10 mph", "10 kph"),
    (r"10\text{ boys}", r"10\text{ girls}"),
    (r"\text{slope } -2", r"\text{slope } 2"),
    (r"\text{increasing on }(-1,2)", r"\text{increasing on }(1,2)"),
    (r"\text{rotation by }-90", r"\text{rotation by }90"),
    ("2, 100", "2100"),
    ("5, 120", "5120"),
    ("1 2 3", "123"),
    (r"\text{CBAD}", "A,B,C,D"),
    ("(2,3)", "m=3, b=2"),
    ("(1,2)", "(y,x)=(1,2)"),
    ("x=5,y=3", "3, 5"),
    ("x=1,y=2", r"\{1,2\}"),
    (r"\text{Alice}=5,\text{Bob}=3", "3,5"),
    ("1<x<3", "y>1, x<3"),
    ("x>1,y<3", "y>1,x<3"),
    (r"x\neq1, x\neq2", r"x\neq1, y\neq2"),
    ("1<x<3", "x>1 or x<3"),
    ("(-2,2)", "x<2 or x>-2"),
    ("a<b<c", "a<d<c"),
    ("5", "The answer cannot be 5"),
    ("5", "The only wrong answer is 5"),
    ("5", "The square of the answer is 5"),
    ("5", "The opposite of the answer is 5"),
    ("4", "The answer could be 4"),
    ("A", "(A) or (B)"),
    ("A", "A. and B"),
    ("A", "A: no, B"),
    (r"2k\pi, k\in\mathbb{Z}", r"2k\pi, k\in\mathbb{N}"),
    (r"2n+1 for all n\geq 0", "2n+1 for all n<0"),
    ("1E2_{16}", "100_{16}"),
    ("2E1_{16}", "20_{16}"),
    ("(1,1),(-1,-1)", r"(\pm1,\pm1)"),
    ("3,-3", r"\pm1\pm2"),
    ("5", "|x|=5"),
    ("2", r"\ln(x)=2"),
    ("3", r"\max=3"),
    ("f(x)=x^2", "f(a)=ax"),
    ("1:20", "0.05"),
    ("12", r"\phantom{1}2"),
    ("red", "The ball cannot be red"),
    (r"18\text{ hours}", r"18\text{ integers}"),
    (r"2\pi", r"2\pi k, k\in\mathbb{Z}"),
    ("7/3", "2 and 1/3"),
    ("A", "(A) is wrong"),
    ("A", "(A) cannot be"),
    ("A", "A. Not B"),
    ("A", "(A) B"),
    ("A", "(A)-5"),
    ("5", "5 grand"),
    ("5", "5 at least"),
    ("x>1 or x>3", "x>1 and x>3"),
    ("yes", "yes, never"),
    ("5", "The answer plus one is 5"),
    ("(1,2,3,4,5),(-1,-2,-3,-4,-5)", r"(\pm1,\pm2,\pm3,\pm4,\pm5)"),
    ("1000", "1 , 000"),
]
RIGHT = [
    ("3x+4y=12", "12=3x+4y"),
    ("x^2+y^2=4", "4=x^2+y^2"),
    ("0=x-5", "x=5"),
    ("6,-2", r"\boxed{6,-2}"),
    ("6,-2", "{6,-2}"),
    ("x=1,x=-1", r"\boxed{x=1,x=-1}"),
    (r"x\neq5", r"x \not= 5"),
    ("(2,3)", "m=2, b=3"),
    (r"(2,\frac{\pi}{3})", r"r=2, \theta=\frac{\pi}{3}"),
    (r"\begin{pmatrix}-1\\-2\end{pmatrix}", r"-\begin{pmatrix}1\\2\end{pmatrix}"),
    ("1/2", "one half"),
    ("2/3", "two thirds"),
    ("5", r"\hspace{2mm} 5"),
    ("5", "¥5"),
    ("81, 256", "81,256"),
    (r"12\text{ cm}", "12 cm long"),
    ("60", "60 km/h"),
    (r"60\text{ km/h}", "60 kph"),
    ("(1,1),(1,-1),(-1,1),(-1,-1)", r"(\pm1,\pm1)"),
    ("0.1x", "x/10"),
    (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}"),
    ("2^{100}-1", "1267650600228229401496703205375"),
    ("10", r"10\text{ units}"),
    (r"\sin^2(x)+\cos^2(x)-1", "0"),
    (r"\sqrt{2}\cdot\sqrt{2}-2", "0"),
    ("1251", "1251 students at Baker Middle School"),
    ("ACF", "A, C, F"),
    (r"10\text{ total meals}", r"10\text{ meals}"),
    (r"2\pi k", r"2\pi k, k\in\mathbb{Z}"),
    (r"k\pi", r"\pi k, k\in\mathbb{Z}"),
    ("1/2,1/3", "1/2 and 1/3"),
    ("x=2,x=5/2", "x=2 and 5/2"),
    ("B", "(B) not enough information"),
    ("D", "(D) no solution"),
    ("E", "(E) A and B"),
    ("3", "3 times"),
    ("10", "10 more apples"),
    ("9", "9 smaller cubes"),
    ("3", "3 third graders"),
    (r"(a,\infty)", "x>a"),
    ("a<x<b", "x>a and x<b"),
    ("f(n)=n", r"f(n)=n\text{ for all positive integers }n"),
    ("2x", r"2x \text{ for all } x\in\mathbb{R}"),
    ("1/10", "1:10"),
    ("10", "10 m/s"),
    (r"3\text{ m/s}^2", "3 m/s^2"),
    (r"10\text{ meters per second}", "10 m/s"),
]


@pytest.fixture(scope="module")
def grader():
    with Grader(workers=2) as shared:
        yield shared


@pytest.mark.parametrize(("one", "other"), WRONG)
def test_a_near_miss_is_wrong(grader, one, other):
    assert grader.grade(one, other).correct is False
    assert grader.grade(other, one).correct is not True


@pytest.mark.parametrize(("one", "other"), RIGHT)
def test_another_way_to_say_the_same_is_right(grader, one, other):
    assert grader.grade(one, other).correct is True
    assert grader.grade(other, one).correct is True


@pytest.mark.parametrize("gold", ["(1,3)", "1<x<3"])
def test_an_answer_that_cannot_be_read_is_wrong_and_does_not_void_its_gold(grader, gold):
    assert grader.grade(gold, "x>?, x<3").correct is False
    assert grader.grade(gold, "x>a@, x<b@").correct is False


@pytest.mark.parametrize(
    "answer", ["84/12", r"\frac{84}{12}", "84:12", "2^3-1", "7*10^0", "7/1", "x=84/12"]
)
def test_where_a_value_is_asked_for_what_is_left_to_compute_is_wrong(answer):
    with Grader(algebra=False) as strict:
        assert strict.grade("7", answer).correct is False
        assert strict.grade("7", "7.0").correct is True
        assert strict.grade("5/3", r"\frac{5}{3}").correct is True
        assert strict.grade("1.5", r"\frac{3}{2}").correct is True


def test_with_a_tolerance_a_list_is_matched_whatever_its_order():
    with Grader(relative_tolerance=0.1) as tolerant:
        for gold in ("10;11", "11;10"):
            for answer in ("11;9.05", "9.05;11"):
                assert tolerant.grade(gold, answer).correct is True
            assert tolerant.grade(gold, "9.05;9.5").correct is False


SETS = [[f"{10 * row + column}" for column in range(30)] for row in range(30)]
TIMED = [
    ("5", "1" + " " * 3900 + "2 for x"),
    ("5", "1\\over" * 650 + "1"),
    (
        ",".join(rf"\{{{','.join(row)}\}}" for row in SETS),
        ",".join(rf"\{{{'.,'.join(row[::-1])}.\}}" for row in SETS[::-1]),
    ),
    ("(" * 30 + "1" + ")" * 30, "((((" + "1," * 1_900 + "1"),
    ("5", r"\text{" + "a " * 1_900 + "}"),
    ("5", "the " * 990 + "is 5"),
    ("5", "1," * 1_990),
    ("5", r"\pm" * 1_300 + "1"),
]


@pytest.mark.parametrize("number", range(len(TIMED)))
def test_no_short_answer_keeps_the_grader_long(number):
    gold, answer = TIMED[number]
    with Grader(algebra=False) as strict:
        for pair in ((gold, answer), (answer, gold)):
            started = time.process_time()
            strict.grade(*pair)
            assert time.process_time() - started < 1


@pytest.mark.parametrize("algebra", [True, False])
def test_an_answer_that_is_too_long_is_not_read_part_by_part(algebra):
    with Grader(algebra=algebra) as either:
        started = time.process_time()
        verdict = either.grade("5", "1," * 2_000_000)
        assert time.process_time() - started < 1
    assert verdict.correct is False
    assert "characters are not read" in verdict.error
