"""Laws for every answer: styles of writing do not count, values do, sides may be swapped."""

from fractions import Fraction

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cotdistil.grading.grader import Grader

LAW = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def grader():
    with Grader(workers=2) as shared:
        yield shared


def assert_right(grader, left, right):
    assert grader.grade(left, right).correct is True, (left, right)
    assert grader.grade(right, left).correct is True, (right, left)


def assert_wrong(grader, left, right):
    assert grader.grade(left, right).correct is False, (left, right)
    assert grader.grade(right, left).correct is False, (right, left)


INTEGERS = st.integers(-(10**9), 10**9)
INTEGER_STYLES = (
    str,
    lambda n: f"{n:,}",
    lambda n: f"{n:,}".replace(",", "{,}"),
    lambda n: f"{n:,}".replace(",", r",\!"),
    lambda n: f"${n}$",
    lambda n: rf"\({n}\).",
    lambda n: rf"\boxed{{{n}}}",
    lambda n: f"{n}.00",
    lambda n: f"**{n}**",
    lambda n: f"The answer is {n}.",
    lambda n: rf"x = {n}",
    lambda n: rf"{n}\text{{ apples}}",
    lambda n: rf"\frac{{{2 * n}}}{{2}}",
    lambda n: f" {n} ".replace("-", "−"),
)


@LAW
@given(INTEGERS, st.sampled_from(INTEGER_STYLES), st.sampled_from(INTEGER_STYLES))
def test_a_whole_number_is_itself_in_every_style(grader, number, one, other):
    assert_right(grader, one(number), other(number))


@LAW
@given(INTEGERS, INTEGERS, st.sampled_from(INTEGER_STYLES), st.sampled_from(INTEGER_STYLES))
def test_different_whole_numbers_differ_in_every_style(grader, number, wrong, one, other):
    assume(number != wrong)
    assert_wrong(grader, one(number), other(wrong))


FRACTION_STYLES = (
    lambda q: rf"\frac{{{q.numerator}}}{{{q.denominator}}}",
    lambda q: rf"\dfrac {{{q.numerator}}}{{{q.denominator}}}",
    lambda q: f"{q.numerator}/{q.denominator}",
    lambda q: ("-" if q < 0 else "") + rf"\tfrac{{{abs(q.numerator)}}}{{{q.denominator}}}",
    lambda q: rf"\frac{{{3 * q.numerator}}}{{{3 * q.denominator}}}",
    lambda q: rf"{{{q.numerator} \over {q.denominator}}}",
)


@LAW
@given(st.fractions(), st.fractions(), st.sampled_from(FRACTION_STYLES))
def test_fractions_are_equal_as_numbers(grader, number, other, style):
    for plain in FRACTION_STYLES:
        assert_right(grader, plain(number), style(number))
    if number != other:
        assert_wrong(grader, FRACTION_STYLES[0](number), style(other))


@LAW
@given(st.lists(st.integers(-9, 9), min_size=2, max_size=4), st.randoms())
def test_order_counts_in_tuples_and_not_in_lists_and_sets(grader, values, random):
    shuffled = random.sample(values, len(values))
    one, other = (", ".join(map(str, each)) for each in (values, shuffled))
    assert_right(grader, one, other)
    assert_right(grader, rf"\{{{one}\}}", rf"\{{{other}\}}")
    (assert_right if values == shuffled else assert_wrong)(grader, f"({one})", f"({other})")


@LAW
@given(st.fractions(-9, 9), st.fractions(-9, 9), st.sampled_from("(["), st.sampled_from(")]"))
def test_an_interval_is_its_inequality_and_its_ends_count(grader, one, other, opening, closing):
    low, high = sorted((one, other))
    assume(low != high)
    interval = f"{opening}{low}, {high}{closing}"
    signs = {"(": "<", "[": r"\le", ")": "<", "]": r"\leq"}
    assert_right(grader, interval, f"{low} {signs[opening]} x {signs[closing]} {high}")
    turned = {"(": "[", "[": "("}[opening]
    assert_wrong(grader, interval, f"{turned}{low}, {high}{closing}")
    assert_wrong(grader, interval, f"{opening}{low}, {high + 1}{closing}")


# An expression as a value at one point, and as a function that writes it in one of several styles.
LEAVES = st.one_of(
    st.integers(1, 12).map(lambda n: ("number", n)), st.sampled_from("xy").map(lambda v: ("var", v))
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(("+", "-", "*", "/")), inner, inner),
        st.tuples(st.just("^"), inner, st.integers(2, 3)),
        st.tuples(st.just("sqrt"), inner),
    ),
    max_leaves=5,
)


def written(tree: tuple, style: int) -> str:
    """The expression in LaTeX; the styles swap sums and products and write quotients their way."""
    kind, *parts = tree
    if kind in ("number", "var"):
        return str(parts[0])
    if kind == "^":
        return f"({written(parts[0], style)})^{{{parts[1]}}}"
    if kind == "sqrt":
        inside = written(parts[0], style)
        return (rf"\sqrt{{{inside}}}", rf"\left({inside}\right)^{{\frac12}}")[style % 2]
    left, right = (written(part, style) for part in parts)
    if kind == "/":
        return (rf"\frac{{{left}}}{{{right}}}", rf"\left({left}\right)/\left({right}\right)")[
            style % 2
        ]
    if style // 2 and kind in "+*":
        left, right = right, left
    sign = {"+": "+", "-": "-", "*": (r" \cdot ", "")[style % 2]}[kind]
    return f"({left}){sign}({right})"


def value(tree: tuple, x: Fraction, y: Fraction) -> complex:
    kind, *parts = tree
    if kind == "number":
        return parts[0]
    if kind == "var":
        return {"x": x, "y": y}[parts[0]]
    if kind == "^":
        return value(parts[0], x, y) ** parts[1]
    if kind == "sqrt":
        return complex(value(parts[0], x, y)) ** 0.5
    left, right = (complex(value(part, x, y)) for part in parts)
    return (
        {"+": left + right, "-": left - right, "*": left * right}.get(kind)
        if kind != "/"
        else (left / right)
    )


def values(tree: tuple) -> list[complex]:
    return [value(tree, Fraction(x), Fraction(y)) for x, y in ((2, 3), (5, 7), ("1/3", "11/7"))]


@LAW
@given(EXPRESSIONS, st.integers(0, 3), st.integers(0, 3))
def test_an_expression_is_itself_in_every_style(grader, tree, one, other):
    try:
        assume(all(abs(each) < 1e6 for each in values(tree)))
    except ZeroDivisionError:
        assume(False)
    assert_right(grader, written(tree, one), written(tree, other))


@LAW
@given(EXPRESSIONS, EXPRESSIONS, st.integers(0, 3))
def test_expressions_with_different_values_differ(grader, tree, other, style):
    try:
        pairs = list(zip(values(tree), values(other), strict=True))
    except (ZeroDivisionError, OverflowError):
        assume(False)
    assume(any(abs(a - b) > 1e-6 * max(1, abs(a)) for a, b in pairs))
    assert_wrong(grader, written(tree, 0), written(other, style))
