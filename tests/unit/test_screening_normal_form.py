"""What makes two questions the same: any LaTeX dialect, but no other number, operator or sign."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cotdistil.screening.normal_form import key, mathematics, words
from cotdistil.screening.spelling import tokens


def key_of(text):
    return key(tokens(text))


def words_of(text):
    return " ".join(words(tokens(text)))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is $x-1$?", "what is x - 1"),
        (r"Find $\left(x-1\right)^{2}$.", r"Find \((x-1)^2.\)"),
        (r"Find \[\frac{1}{2}.\]", r"Find $$\dfrac12$$"),
        (r"Find $\frac{a}{b}$", r"Find \tfrac ab"),
        (r"if $p\ne 0$, $x\leq 3$", "if $p\\neq\n0,$ $x \\le 3$"),
        (r"$\triangle ABC$", "triangle $A B C$"),
        ("$1{,}000$ dollars, or 10,000", r"1000 dollars or $10,\!000$"),
        ("costs $.50", r"costs \$0.50"),
        ("the angle is 30°", r"the angle is $30^{\circ}$"),
        ("the angle is 30°", r"the angle is $30^\circ$"),
        ("x² ≤ 3½ − α", r"$x^2 \le 3\frac{1}{2} - \alpha$"),
        ("ｆｕｌｌ　ｗｉｄｔｈ １２", "Full width 12"),
        ("“Janet’s” ducks", "``Janet's'' ducks"),
        (r"$12\text{ cm}$ and $\mathbf{v}$", "12 cm and v"),
        (r"$1, 2, \ldots, 10$", "1,2,...,10"),
        (r"$f^{\prime}(x)$", "$f'(x)$"),
        ("\\begin{align*}\nx=1\n\\end{align*}", "$x = 1$"),
        ("Let $x=5.$ Find $y$", "Let $x=5$. Find $y.$"),
        ("Fill in ____.", r"Fill in \_\_\_\_\_."),
        ("Oh no! How many, then?", "oh no how many then"),
    ],
)
def test_a_question_in_another_dialect_is_the_same(one, other):
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("x-1", "x+1"),
        ("3.5", "35"),
        ("-2", "2"),
        ("3.5", "3, 5"),
        ("1 2", "12"),
        ("1,2", "12"),
        ("(1,000)", "(1000)"),
        ("f(x,y)", "f(xy)"),
        ("gcd(ab,c)", "gcd(a,bc)"),
        ("5!", "5"),
        ("5!, 6", "5, 6"),
        ("(5)!!", "(5)!"),
        ("f'(x)", "f(x)"),
        ("2:3", "2,3"),
        ("x^2", "x2"),
        ("x²", "x2"),
        ("x_1", "x1"),
        ("50%", "50"),
        ("30°", "30"),
        ("$x<2$", r"$x\le 2$"),
        (r"\frac{ab}{c}", r"\frac{a}{bc}"),
        (r"\frac{1}{23}", r"\frac{12}{3}"),
        (r"\sqrt{10}", r"\sqrt{1}0"),
        (r"2^{34}", r"2^34^{}5"),
        (r"3\frac12", r"\frac{31}{2}"),
        (r"a\cdot b", r"a\times b"),
        ("88/(4/2)", "88/4/2"),
        ("1, 2, 10", "1, 2, ..., 10"),
        (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"\begin{pmatrix}1&2&3\\4\end{pmatrix}"),
        (r"$|x|-1$", r"$x-1$"),
        (r"\{1, 2\}", "(1, 2)"),
    ],
)
def test_numbers_operators_and_signs_keep_their_meaning(one, other):
    assert key_of(f"Find ${one}$.") != key_of(f"Find ${other}$.")


DRESS = {
    "plain": lambda part: part,
    "dollars": lambda part: f"${part}$",
    "brackets": lambda part: rf"\({part}\)",
    "space": lambda part: rf" {part}\, ",
    "braces": lambda part: f"{{{part}}}",
    "font": lambda part: rf"\mathrm{{{part}}}",
    "capitals": str.upper,
}
PARTS = st.lists(
    st.sampled_from(["x", "7", "12", "0.5", "+", "-", "=", "<", r"\pi ", "\\le "]), min_size=1
)


@given(PARTS, st.data())
def test_dress_does_not_change_the_key(parts, data):
    def dressed(part):
        dress = data.draw(st.sampled_from(sorted(DRESS)))
        return part if part.startswith("\\") and dress == "capitals" else DRESS[dress](part)

    assert key_of(" ".join(map(dressed, parts))) == key_of(" ".join(parts))


@given(PARTS, PARTS)
def test_other_numbers_operators_or_signs_are_another_key(one, other):
    assert (key_of(" ".join(one)) == key_of(" ".join(other))) == (one == other)


@given(st.text())
def test_any_text_has_a_key_words_and_mathematics(text):
    spelling = tokens(text)
    assert all(spelling)
    assert isinstance(key(spelling) + mathematics(spelling), str)
    assert all(words(spelling))


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        "}",
        " ",
        "``",
        "\\hspace{",
        "\\text{",
        "$",
        "1,",
        "111,",
        "'",
        "_",
        ".",
        "\\prime",
        "^ {",
    ],
)
def test_time_is_linear_for_text_that_repeats_itself(piece):
    started = time.process_time()
    tokens(piece * 200_000)
    assert time.process_time() - started < 5


def test_words_are_read_from_latex_as_a_person_counts_them():
    assert words_of(r"Solve $x^2 + 3x - 5 = \frac{1}{2}$, where $x>0$.") == (
        "solve x ^2 +3 x -5 =frac 1 2 where x >0"
    )
    assert words_of("a two-digit number; f(x)") == "a two digit number f x"
    assert words_of("triangle $A B C$") == words_of("triangle $ABC$")


def test_the_code_of_a_diagram_is_no_word_but_part_of_the_key():
    plain, drawn = "Find $x$.", "Find $x$. [asy] draw((0,0)--(3,4)); [/asy]"
    assert words_of(plain) == words_of(drawn)
    assert key_of(plain) != key_of(drawn)
    assert mathematics(tokens(plain)) != mathematics(tokens(drawn))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Tom has 5 red apples.", "Anna owns 5 apples.", True),
        ("Tom has three apples.", "Tom has 3 apples.", True),
        ("Tom has 5 apples.", "Tom has 6 apples.", False),
        ("Tom has five apples.", "Tom has six apples.", False),
        ("half of them", "a third of them", False),
        ("Find $x+1$.", "Find $x-1$.", False),
        ("Find $AB$.", "Find $AC$.", False),
        ("Find $b$.", "Find $c$.", False),
        ("88 / (4 / 2)", "88 / 4 / 2", False),
    ],
)
def test_mathematics_is_all_but_the_ordinary_words(one, other, same):
    assert (mathematics(tokens(one)) == mathematics(tokens(other))) is same
