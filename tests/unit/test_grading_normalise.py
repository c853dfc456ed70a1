"""What LaTeX and people write in many ways has one spelling."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotdistil.grading.extract import extract_answer
from cotdistil.grading.spelling.normalise import normalise
from real_data import real_rows


@pytest.mark.parametrize(
    "spellings",
    [
        [r"\frac{1}{2}", r"\dfrac12", r"\tfrac{1}2", r"\frac 1 2", r"\\frac{1}{2}", "½"],
        ["1000", "1{,}000", r"1,\!000", "1 000", "$1000$", "1000.", " 1000 ", "**1000**"],
        [r"90^\circ", r"90^{\circ}", "90°", r"90\degree", "90 degree", r"90\text{ degree}"],
        [
            "(1,2)",
            r"\left(1, 2\right)",
            r"\(( 1,\ 2 )\)",
            r"\bigl(1,2\bigr)",
            r"\langle 1,2\rangle",
        ],
        [r"\text{Evelyn}", "Evelyn", "evelyn", r"\mathrm{Evelyn}", r"\textbf{evelyn}"],
        ["x^2", "x^{2}", "x²", "x^{{2}}"],
        [r"2\sqrt{3}", "2√3", r"2\sqrt[2]{3}"],
        [r"2\cdot3", r"2\times 3", "2*3", "2 × 3", "2·3"],
        [r"x\leq3", r"x \le 3", r"x\leqslant 3", "x≤3"],
        [r"2\pi", "2π", "2 pi", r"2\,\pi"],
        [r"\infty", "∞", "inf", "oo", r"\infin"],
        [r"5\text{ cm}", "5 cm", r"5\,\mathrm{cm}", r"5~\text{cm}"],
        [r"10\%", "10%", r"$10\%$"],
        ["2,3", r"2\text{ and }3", "2, 3", "2 and 3", r"2\text{ or }3"],
        ["-5", "−5", "–5"],
        ["7", r"\boxed{7}", r"\mathbf{7}", "7;", r"\color{red}{7}", "7\\\\", "#### 7"],
        [r"7\text{ dollar}", r"\$7", "$7", r"\$ 7"],
        ["21", "twenty-one", r"\text{twenty one}", "Twenty-one"],
        ["5", "The answer is 5.", r"\text{The answer is } 5", "**Final Answer:** 5", "5th"],
        [r"\frac{5}{9}", r"{5 \over 9}", r"\frac 59"],
        [r"\binom{5}{2}", r"{5 \choose 2}", "C(5,2)", "C_5^2"],
        [r"\sqrt{53}", "√53"],
        ["3*10^5", "3 × 10⁵", r"3\times 10^{5}"],
        [r"x\geq 3", "x>=3", "x ≥ 3"],
        [
            r"x\equiv3\pmod{5}",
            r"x \equiv 3 \pmod 5",
            "x ≡ 3 (mod 5)",
            r"x\equiv 3\ (\text{mod}\ 5)",
        ],
        [r"\infty", "infinity", r"\text{infinity}"],
        ["A,B,E", r"\text{A, B, E}", r"\text{A, B, and E}"],
        [r"1\frac{1}{2}", "1 1/2", r"1\frac12"],
    ],
    ids=lambda spellings: spellings[0],
)
def test_spellings_of_one_answer_become_the_same(spellings):
    assert {spelling: normalise(spelling) for spelling in spellings} == dict.fromkeys(
        spellings, normalise(spellings[0])
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("AB", "ab"),
        ("1,2", "12"),
        ("0.5", "5"),
        ("x^{12}", "x^12y"),
        (r"\frac{1}{23}", r"\frac123"),
        (r"\sqrt{53}", r"\sqrt53"),
        ("The first is 5", "The second is larger"),
        ("It is not 5", "5"),
        (r"\$20", "20 cents"),
        ("5!=120", "x != 120"),
        (r"\sqrt{23}", r"\sqrt{2}3"),
        ("-5", "5"),
        ("(1,2)", "[1,2]"),
        (r"\overline{3}", "3"),
        (r"\{1\}", "1"),
        ("x_{1}", "x1"),
        ("10%", "10"),
    ],
)
def test_different_answers_stay_different(one, other):
    assert normalise(one) != normalise(other)


FRAGMENTS = st.sampled_from(
    [
        *"\\{}()[]^_,.$%~&1x°π \n\x00\u202e",
        "AB",
        "1,000",
        r"\frac",
        r"\sqrt",
        r"\text",
        r"\mathrm",
        r"\boxed",
        r"\left",
        r"\right",
        r"\begin{matrix}",
        r"\end",
        r"\!",
        r"\pm",
        r"\circ",
    ]
)


@given(st.lists(FRAGMENTS, max_size=30).map("".join) | st.text(max_size=40))
def test_no_text_however_broken_stops_the_grader(text):
    normalise(text)


@pytest.mark.parametrize("bracket", ["{}", "()"])
def test_a_text_that_is_too_deep_or_too_long_is_only_stripped(bracket):
    deep = " " + bracket[0] * 41 + r"\dfrac12" + bracket[1] * 41 + " "
    assert normalise(deep) == deep.strip()
    long = r" \dfrac12" + " +1" * 1_500
    assert normalise(long) == long.strip()


@pytest.mark.parametrize("piece", ["9", "{", r"\frac", "(1,", r"\text{"])
def test_ten_megabytes_are_read_at_once(piece):
    started = time.monotonic()
    normalise(piece * (10_000_000 // len(piece)))
    assert time.monotonic() - started < 2


def test_the_dress_of_real_answers_is_taken_off():
    for row in real_rows("problems/math_test.jsonl")[::5]:
        gold = extract_answer(row["solution"]).text
        dressed = "$" + gold.replace(r"\frac{", r"\dfrac {") + "$."
        assert normalise(dressed) == normalise(gold), gold
