"""Arithmetic problems: expressions are read, printed and computed without `eval`."""

import ast
import operator
import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.arithmetic import QUESTION_PREFIX, generate_problems, parse_question, split_of
from cotdistil.errors import UserError
from cotdistil.expressions import (
    Group,
    Number,
    Operation,
    count_operations,
    evaluate,
    format_expression,
    parse_expression,
    reduce_once,
)

NUMBERS = st.integers(-30, 30).map(Number)


def operations_on(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(Operation, st.sampled_from("+-*/"), inner, inner)


EXPRESSIONS = st.recursive(
    NUMBERS,
    lambda inner: operations_on(inner) | operations_on(inner).map(Group),
    max_leaves=8,
)
WHOLE = operations_on(EXPRESSIONS)
SETTINGS = st.fixed_dictionaries(
    {
        "operations": st.sampled_from([(1, 1), (1, 4), (3, 3), (5, 15)]),
        "operands": st.integers(-20, 1).map(lambda low: (low, low + 40)),
        "operators": st.sampled_from(["+", "-", "*", "/", "+-", "*/", "+-*/"]),
        "parentheses": st.sampled_from([0.0, 0.2, 1.0]),
        "seed": st.integers(0, 10_000),
    }
)
SYMBOLS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def value_as_python_reads_it(text: str) -> Fraction | None:
    """The value of `text` by Python's own grammar; None where a result is not an integer."""

    def value(node: ast.expr) -> Fraction | None:
        if isinstance(node, ast.Constant):
            return Fraction(node.value)
        if isinstance(node, ast.UnaryOp):
            return -value(node.operand)
        left, right = value(node.left), value(node.right)
        divides = isinstance(node.op, ast.Div)
        if left is None or right is None or (divides and (not right or left % right)):
            return None
        return SYMBOLS[type(node.op)](left, right)

    return value(ast.parse(text, mode="eval").body)


def without_brackets(expression):
    match expression:
        case Group(inner):
            return without_brackets(inner)
        case Operation(operator, left, right):
            return Operation(operator, without_brackets(left), without_brackets(right))
    return expression


def value_or_none(expression) -> int | None:
    try:
        return evaluate(expression)
    except ValueError:
        return None


@given(WHOLE, st.booleans())
@settings(max_examples=50, deadline=None)
def test_a_printed_expression_reads_back_to_the_same_value(expression, spaced):
    text = format_expression(expression, spaced)
    again = parse_expression(text)
    assert value_or_none(again) == value_or_none(expression) == value_as_python_reads_it(text)
    assert without_brackets(again) == without_brackets(expression)
    assert format_expression(again, spaced) == text


@given(WHOLE)
@settings(max_examples=50, deadline=None)
def test_reducing_step_by_step_ends_at_the_value_after_as_many_steps_as_operations(expression):
    value = value_or_none(expression)
    if value is None:
        return
    for _ in range(count_operations(expression)):
        done, expression = reduce_once(expression)
        assert isinstance(done.left, Number)
        assert isinstance(done.right, Number)
        assert evaluate(expression) == value
    assert expression == Number(value)
    with pytest.raises(ValueError, match="nothing is left to compute"):
        reduce_once(expression)


@given(st.text("0123456789+-*/() x.^", max_size=25))
@settings(max_examples=50, deadline=None)
def test_any_text_is_either_an_expression_or_refused(text):
    try:
        expression = parse_expression(text)
    except ValueError:
        return
    printed = format_expression(expression)
    assert format_expression(parse_expression(printed)) == printed


@pytest.mark.parametrize(
    "text",
    [
        "", "1+", "(1", "1)", "()", "2**3", "1 2", "- -1", "1,000", "1.5", "٣+٤",
        "__import__('os')", "1+" * 1000 + "1", "(" * 5000 + "1" + ")" * 5000,
    ],
)  # fmt: skip
def test_what_is_not_a_sum_of_integers_is_refused(text):
    with pytest.raises(ValueError, match=r"expected|unexpected|not closed|more than"):
        parse_expression(text)


def test_negative_numbers_are_bracketed_after_an_operator_only():
    expression = Operation("+", Number(-5), Operation("*", Number(2), Number(-3)))
    assert format_expression(expression) == "-5+2*(-3)"
    assert format_expression(expression, spaced=True) == "-5 + 2 * (-3)"


@given(SETTINGS, st.sampled_from(["train", "test"]))
@settings(max_examples=40, deadline=None)
def test_every_problem_keeps_to_the_settings_and_every_result_is_an_integer(choice, split):
    low, high = choice["operands"]
    problems = generate_problems(split, 8, **choice)
    assert len({problem["problem_id"] for problem in problems}) == 8
    for problem in problems:
        text = problem["expression"]
        assert problem["question"] == QUESTION_PREFIX + text
        assert parse_question(problem["question"]) == text
        assert split_of(text) == split
        # None, unlike any gold answer, where some division on the way is not exact.
        assert str(value_as_python_reads_it(text)) == problem["gold"]
        assert choice["operations"][0] <= problem["n_operations"] <= choice["operations"][1]
        numbers = [abs(int(digits)) for digits in re.findall(r"\d+", text)]
        assert len(numbers) == problem["n_operations"] + 1
        assert all(low <= n <= high or low <= -n <= high for n in numbers)
        unsigned = re.sub(r"(^|\()-", r"\1", text)
        assert set(re.findall(r"[-+*/]", unsigned)) <= set(choice["operators"])


@given(st.lists(st.integers(0, 1000), min_size=2, max_size=2))
@settings(max_examples=20, deadline=None)
def test_train_and_test_never_share_an_expression_whatever_their_seeds(seeds):
    small = {"operations": (1, 2), "operands": (1, 6), "operators": "+-"}
    train, test = (
        {p["expression"] for p in generate_problems(split, 60, seed=seed, **small)}
        for split, seed in zip(("train", "test"), seeds, strict=True)
    )
    assert len(train) == len(test) == 60
    assert not train & test


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_larger_count_begins_with_the_same_problems(split):
    many = generate_problems(split, 60, seed=3)
    assert generate_problems(split, 25, seed=3) == many[:25]
    assert generate_problems(split, 25, seed=4) != many[:25]


def test_brackets_occur_as_often_as_asked():
    def bracketed(rate: float) -> int:
        problems = generate_problems("test", 200, operations=(2, 6), parentheses=rate)
        return sum("(" in problem["expression"] for problem in problems)

    assert bracketed(0.0) == 0
    assert 25 <= bracketed(0.2) <= 55
    assert bracketed(1.0) == 200


def test_an_exhausted_space_says_how_many_there_are_and_what_to_widen():
    found = 0
    for split in ("train", "test"):
        with pytest.raises(UserError, match=f"distinct {split} expressions") as error:
            generate_problems(split, 9, operations=(1, 1), operands=(1, 3), operators="+")
        message = str(error.value)
        assert "expected 9; ask for fewer, or widen operations [1, 1], operands [1, 3]" in message
        found += int(re.search(r"found (\d+)", message)[1])
    assert found == 9  # 1+1 to 3+3, each in one of the two


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"operations": (3, 2)}, "operations: found [3, 2]"),
        ({"operations": (0, 2)}, "operations: found [0, 2]"),
        ({"operands": (1, 10**6)}, "operands: found [1, 1000000]"),
        ({"operators": "+^"}, "operators: found '+^'"),
        ({"operators": "++"}, "operators: found '++'"),
        ({"parentheses": 1.5}, "parentheses: found 1.5"),
        ({"split": "dev"}, "split: found 'dev'"),
        ({"count": 0}, "count: found 0"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(change, fault):
    with pytest.raises(UserError) as error:
        generate_problems(**{"split": "train", "count": 1} | change)
    assert fault in str(error.value)
    assert "expected" in str(error.value)


@pytest.mark.parametrize(
    "question", ["What is 2+3?", "2+3", QUESTION_PREFIX, QUESTION_PREFIX + "2+x"]
)
def test_another_wording_is_not_taken_for_an_arithmetic_question(question):
    with pytest.raises(UserError, match="not an arithmetic question"):
        parse_question(question)
