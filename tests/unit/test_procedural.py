"""The procedural teacher: traces whose every claim can be checked."""

import re
from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cotdistil.arithmetic import generate_problems
from cotdistil.expressions import count_operations, evaluate, parse_expression
from cotdistil.grading.extract import extract_answer
from cotdistil.procedural import TraceRates, write_trace
from cotdistil.responses import join_response, split_response

OPERAND = r"-?\d+|\(-\d+\)"
STATEMENT = re.compile(rf"({OPERAND}) ([-+*/]) ({OPERAND}) = (-?\d+)")
NUMBER = re.compile(r"-?\d+")
REST = re.compile(r"What is left is (.+?)\.(?=\s|$)")
RESULT = re.compile(r"(?:the result is|the answer is|the value is|I get) (-?\d+)")
PROBLEMS = [
    problem
    for operands in ((1, 100), (-12, 12))
    for problem in generate_problems("train", 60, operations=(1, 9), operands=operands)
]
RATE = st.sampled_from([0.0, 0.3, 1.0])
RATES = st.builds(TraceRates, RATE, RATE, RATE, RATE)


def statements(text: str) -> list[tuple[str, bool]]:
    """Each `a + b = c` of a text: its left side, and whether it is true."""
    found = []
    for left, sign, right, result in STATEMENT.findall(text):
        a, b = Fraction(left.strip("()")), Fraction(right.strip("()"))
        value = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else None}[sign]
        found.append((f"{left} {sign} {right}", value == int(result)))
    assert len(found) == text.count("="), f"a statement of another form in {text!r}"
    return found


@given(st.sampled_from(PROBLEMS), RATES, st.integers(0, 10**6))
@settings(max_examples=50, deadline=None)
def test_every_statement_is_true_but_for_wrong_turns_which_are_corrected_at_once(
    problem, rates, seed
):
    steps = write_trace(problem["expression"], "long", rates, seed).steps
    for index, step in enumerate(steps):
        claims = statements(step["text"])
        if step["kind"] == "wrong_turn":
            assert claims
            assert not any(true for _, true in claims)
            mended = steps[index + 1]
            assert mended["kind"] == "correction"
            assert [left for left, _ in statements(mended["text"])] == [claims[0][0]]
        else:
            assert all(true for _, true in claims), step
            assert step["kind"] != "correction" or steps[index - 1]["kind"] == "wrong_turn"
        if step["kind"] == "double_check":
            # The operation, and of the same three numbers what undoes it.
            one, other = (
                sorted(NUMBER.findall(claim[0])) for claim in STATEMENT.finditer(step["text"])
            )
            assert one == other
        # What is said to be left still has the value of the whole, and only that is concluded.
        for rest in REST.findall(step["text"]):
            assert str(evaluate(parse_expression(rest))) == problem["gold"]
        for value in RESULT.findall(step["text"]):
            assert value == problem["gold"]


@given(st.sampled_from(PROBLEMS), RATES, st.sampled_from(["long", "short"]), st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_the_steps_joined_are_the_trace_and_its_answer_is_the_gold_one(problem, rates, style, seed):
    trace = write_trace(problem["expression"], style, rates, seed)
    assert trace == write_trace(problem["expression"], style, rates, seed)
    texts = [step["text"] for step in trace.steps]
    response = join_response(trace.thinking, trace.answer)
    parts = split_response(response)
    assert (parts.thinking, parts.answer) == (trace.thinking, trace.answer)
    if style == "long":
        assert trace.thinking == "\n\n".join(texts)
        assert trace.thinking.split("\n\n") == texts  # so a pruner finds the same steps
    else:
        assert trace.thinking is None
        assert trace.answer == "\n".join(texts)
    assert extract_answer(response).text == problem["gold"]


@given(st.sampled_from(PROBLEMS), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_rates_of_0_leave_one_step_of_work_per_operation(problem, seed):
    trace = write_trace(problem["expression"], "long", TraceRates(0, 0, 0, 0), seed)
    kinds = [step["kind"] for step in trace.steps]
    assert kinds == ["restate", *["work"] * problem["n_operations"], "conclude"]


@given(st.sampled_from(PROBLEMS), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_rates_of_1_make_every_operation_err_mend_check_and_doubt(problem, seed):
    trace = write_trace(problem["expression"], "long", TraceRates(1, 1, 1, 1), seed)
    kinds = [step["kind"] for step in trace.steps]
    each = ["wrong_turn", "correction", "double_check", "second_thought"]
    assert kinds == ["restate", *each * problem["n_operations"], "final_pass", "conclude"]


def test_rates_between_are_shares_of_the_operations():
    rates = TraceRates(double_check=0.5, second_thought=0.3, wrong_turn=0.2, final_pass=0.4)
    kinds: Counter[str] = Counter()
    for problem in PROBLEMS:
        trace = write_trace(problem["expression"], "long", rates, problem["problem_id"])
        kinds.update(step["kind"] for step in trace.steps)
    operations = sum(problem["n_operations"] for problem in PROBLEMS)
    assert kinds["work"] + kinds["wrong_turn"] == operations
    assert kinds["double_check"] / operations == pytest.approx(0.5, abs=0.08)
    assert kinds["second_thought"] / operations == pytest.approx(0.3, abs=0.08)
    assert kinds["wrong_turn"] / operations == pytest.approx(0.2, abs=0.08)
    assert kinds["final_pass"] / len(PROBLEMS) == pytest.approx(0.4, abs=0.15)


def test_another_seed_gives_another_trace():
    traces = {write_trace("12+7*3-4", "long", TraceRates(), seed).thinking for seed in range(20)}
    assert len(traces) > 15


def test_a_short_trace_does_one_operation_per_line_and_shows_what_is_left():
    trace = write_trace("2*(3+4)-10/5", "short", TraceRates(), 0)
    assert trace.answer.split("\n") == [
        "3 + 4 = 7",
        "2 * 7 - 10 / 5",
        "2 * 7 = 14",
        "14 - 10 / 5",
        "10 / 5 = 2",
        "14 - 2 = 12",
        "The answer is \\boxed{12}.",
    ]


@given(st.sampled_from(PROBLEMS))
@settings(max_examples=60, deadline=None)
def test_every_line_of_a_short_trace_is_true(problem):
    *lines, _ = write_trace(problem["expression"], "short", TraceRates(), 0).answer.split("\n")
    computed = [line for line in lines if "=" in line]
    assert len(computed) == count_operations(parse_expression(problem["expression"]))
    for line in lines:
        if "=" in line:
            assert [true for _, true in statements(line)] == [True]
        else:
            assert str(evaluate(parse_expression(line))) == problem["gold"]


def test_a_lone_number_needs_no_work():
    assert write_trace("7", "short", TraceRates(), 0).answer == "The answer is \\boxed{7}."
    kinds = [step["kind"] for step in write_trace("7", "long", TraceRates(), 0).steps]
    assert kinds == ["restate", "conclude"]


def test_an_unknown_style_and_an_unreadable_expression_are_refused():
    with pytest.raises(ValueError, match="found 'medium'; expected 'short' or 'long'"):
        write_trace("1+1", "medium", TraceRates(), 0)
    with pytest.raises(ValueError, match="unexpected character"):
        write_trace("1+x", "long", TraceRates(), 0)
