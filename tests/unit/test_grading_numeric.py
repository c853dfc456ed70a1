"""Plain numbers are compared exactly."""

import time
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotdistil.grading.grader import Grader
from cotdistil.grading.values.numeric import numbers_equal, parse_number

NONZERO = st.integers(1, 10**9)
FRACTIONS = st.fractions(max_denominator=10**6)


@given(st.integers(-(10**30), 10**30))
def test_an_integer_is_itself_with_or_without_thousands(value):
    assert parse_number(str(value)) == parse_number(f"{value:,}") == value
    assert parse_number(f"{value}.0") == parse_number(f"{value}.") == value


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8))
def test_a_decimal_is_exact(value):
    assert parse_number(f"{value:f}") == Fraction(Decimal(value))


@given(st.integers(-(10**9), 10**9), NONZERO)
def test_a_fraction_is_exact_in_each_notation(upper, lower):
    for text in (rf"\frac{{{upper}}}{{{lower}}}", f"{upper}/{lower}", f"({upper})/{lower}"):
        assert parse_number(text) == Fraction(upper, lower)


@given(FRACTIONS, FRACTIONS, st.sampled_from([None, 0.0, 1e-6, 1e-2]))
def test_whether_two_numbers_are_equal_does_not_depend_on_their_order(left, right, tolerance):
    verdict = numbers_equal(left, right, tolerance)
    assert verdict == numbers_equal(right, left, tolerance)
    assert numbers_equal(left, left, tolerance)
    if not tolerance:
        assert verdict == (left == right)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"2\frac{1}{2}", Fraction(5, 2)),
        (r"-2\frac{1}{2}", Fraction(-5, 2)),
        (r"0.\overline{3}", Fraction(1, 3)),
        (r"-1.2\overline{45}", Fraction(-137, 110)),
        ("1.5e3", Fraction(1500)),
        (r"3*10^{-2}", Fraction(3, 100)),
        ("--5", Fraction(5)),
        (".5", Fraction(1, 2)),
        (r"-\frac{-1}{4}", Fraction(1, 4)),
        ("1,234,567.5", Fraction(2469135, 2)),
    ],
)
def test_mixed_and_repeating_numbers_and_powers_of_ten_are_read(text, value):
    assert parse_number(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("", "-", ".", "x", "1,23", "1,2345", "0,123", "1.2.3", "1e", "0x10", "1_000", "٣"),
        *("1/0", r"\frac{1}{0}", r"2\frac{3}{2}", "nan", "inf", "5\x00", "\u202e5"),
        *("1e999999999", "1*10^{99999999999}", "9" * 301, "9" * 10_000_000),
    ],
    ids=lambda text: text[:14],
)
def test_what_is_no_plain_number_or_too_large_is_none_at_once(text):
    started = time.monotonic()
    assert parse_number(text) is None
    assert time.monotonic() - started < 1


def test_answers_of_ten_megabytes_are_wrong_at_once_unless_they_are_the_gold():
    nines, others = "9" * 10_000_000, "9" * 9_999_999 + "8"
    started = time.monotonic()
    with Grader() as grader:
        assert grader.grade(nines, nines).correct
        wrong = grader.grade(nines, others)
        assert grader.grade("9", nines).correct is False
    assert wrong.correct is False
    assert "4000 characters" in wrong.error
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("gold", "answer", "correct"),
    [
        ("0.1", r"\frac{1}{10}", True),
        ("0.333", r"\frac{1}{3}", False),
        ("12345678901234567890", "12345678901234567891", False),
        ("1,234", "1234.0", True),
        ("10", r"10\%", True),
        ("0.1", r"10\%", False),
        (r"50\%", "50 percent", True),
        (r"50\%", r"50\text{ cm}", False),
        (r"12\text{ cm}", "12", True),
        (r"12\text{ cm}", r"12\text{ centimeters}", True),
        (r"12\text{ cm}", r"12\text{ m}", False),
        (r"6\text{ square inches}", r"6\text{ in}^2", True),
        (r"6\text{ inches}", r"6\text{ in}^2", False),
        ("3.14", "3.15", False),
        ("-7", "7", False),
    ],
)
def test_a_number_is_right_whichever_side_writes_it_how(gold, answer, correct):
    with Grader(algebra=False) as grader:
        assert grader.grade(gold, answer).correct is correct
        assert grader.grade(answer, gold).correct is correct


def test_a_tolerance_is_relative_to_the_larger_number():
    with Grader(relative_tolerance=0.01) as grader:
        assert grader.grade("100", "99.005").correct
        assert grader.grade("99.005", "100").correct
        assert not grader.grade("100", "98.9").correct
        assert not grader.grade("0", "0.000001").correct
