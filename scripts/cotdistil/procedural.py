"""A teacher that is a procedure: traces for arithmetic problems, written without a model.

The `short` style computes; the `long` style also doubts, checks, errs and mends, so that a pruner's
cuts can be compared with what is known to be redundant: every step carries its kind.
"""

import random
from dataclasses import dataclass
from typing import Literal

from cotdistil.expressions import (
    Expression,
    Number,
    Operation,
    evaluate,
    format_expression,
    parse_expression,
    reduce_once,
)

Style = Literal["short", "long"]
StepKind = Literal[
    "restate",
    "work",
    "double_check",
    "second_thought",
    "wrong_turn",
    "correction",
    "final_pass",
    "conclude",
]


@dataclass(frozen=True)
class TraceRates:
    """Probabilities for each operation, and for each trace in the case of `final_pass`."""

    double_check: float = 0.5
    second_thought: float = 0.3
    wrong_turn: float = 0.2
    final_pass: float = 1.0


@dataclass(frozen=True)
class ProceduralTrace:
    """`steps` are dicts of text and kind.

    Those of a long trace make up `thinking`, separated by blank lines; those of a short one,
    which has no thinking, are the lines of `answer`.
    """

    thinking: str | None
    answer: str
    steps: list[dict[str, str]]


def write_trace(
    expression: str, style: Style, rates: TraceRates, rng_seed: int | str
) -> ProceduralTrace:
    """A trace for `expression` in which every statement is true, but for those of a wrong turn.

    The same arguments give the same trace. Raises ValueError for what is not an expression.
    """
    tree = parse_expression(expression)
    answer = f"The answer is \\boxed{{{evaluate(tree)}}}."
    if style == "short":
        steps = [*_short_steps(tree), _step("conclude", answer)]
        return ProceduralTrace(None, "\n".join(step["text"] for step in steps), steps)
    if style == "long":
        steps = _long_steps(tree, rates, random.Random(f"procedural trace {rng_seed}"))
        return ProceduralTrace("\n\n".join(step["text"] for step in steps), answer, steps)
    raise ValueError(f"style: found {style!r}; expected 'short' or 'long'")


def _short_steps(tree: Expression) -> list[dict[str, str]]:
    """One operation per line, then what is left of the expression unless it is the next line.

    Each line needs one small computation or a copy of the line before, which is what a model of
    a hundred million parameters can learn.
    """
    steps = []
    while not isinstance(tree, Number):
        done, tree = reduce_once(tree)
        text = _statement(done)
        if isinstance(tree, Operation) and not _is_single(tree):
            text += "\n" + _show(tree)
        steps.append(_step("work", text))
    return steps


def _long_steps(tree: Expression, rates: TraceRates, rng: random.Random) -> list[dict[str, str]]:
    whole, value = _show(tree), evaluate(tree)
    steps = [_step("restate", rng.choice(RESTATE).format(whole=whole))]
    statements: list[str] = []
    while not isinstance(tree, Number):
        done, tree = reduce_once(tree)
        statement = _statement(done)
        words = {
            "statement": statement,
            "operation": _show(done),
            "result": evaluate(done),
            "rest": _rest(tree),
            "opening": rng.choice(FIRST if not statements else NEXT),
        }
        if rng.random() < rates.wrong_turn:
            slip = evaluate(done) + rng.choice((-10, -2, -1, 1, 2, 10))
            wrong = f"{_show(done)} = {slip}"
            text = rng.choice(WRONG_TURN).format(**words | {"statement": wrong})
            steps.append(_step("wrong_turn", text))
            text = rng.choice(CORRECTION).format(**words, slip=slip)
            steps.append(_step("correction", text))
        else:
            steps.append(_step("work", rng.choice(WORK).format(**words)))
        if rng.random() < rates.double_check:
            text = rng.choice(DOUBLE_CHECK).format(**words, check=_inverse_statement(done))
            steps.append(_step("double_check", text))
        if rng.random() < rates.second_thought:
            steps.append(_step("second_thought", rng.choice(SECOND_THOUGHT).format(**words)))
        statements.append(statement)
    if statements and rng.random() < rates.final_pass:
        text = rng.choice(FINAL_PASS).format(statements=", ".join(statements), value=value)
        steps.append(_step("final_pass", text))
    steps.append(_step("conclude", rng.choice(CONCLUDE).format(value=value)))
    return steps


RESTATE = (
    "I need to compute {whole}.",
    "Let me work out {whole} step by step.",
    "The expression is {whole}. I will take one operation at a time.",
)
FIRST = ("First,", "I start with this:", "To begin,")
NEXT = ("Next,", "Then,", "Now,")
WORK = (
    "{opening} {statement}. {rest}",
    "{opening} I compute {operation}. That gives {statement}. {rest}",
)
WRONG_TURN = (
    "{opening} {statement}.",
    "{opening} I compute {operation}. That gives {statement}.",
)
CORRECTION = (
    "Wait, {slip} is not right. Let me redo it: {statement}. {rest}",
    "Wait, I made a mistake there. It is not {slip}, because {statement}. {rest}",
    "Hmm, that is wrong. Actually, {statement}. {rest}",
)
DOUBLE_CHECK = (
    "Let me double-check: {check}, so {statement} is right.",
    "Let me verify that with {check}. Yes, {statement}.",
    "Let me check {operation} again: {statement}, and indeed {check}.",
)
SECOND_THOUGHT = (
    "Wait, was it right to take {operation} at this point? Both sides of it were plain numbers, "
    "and the operators beside it do not bind more tightly, so yes.",
    "Wait, did I carry the rest over correctly? {rest} Yes, that is the same as before with "
    "{operation} replaced by {result}.",
    "Hmm, maybe I should pause here. I have {statement}. {rest} That is fine.",
)
FINAL_PASS = (
    "Let me go over the whole sum once more: {statements}. It all holds, so the value is {value}.",
    "Before I answer, let me check everything again: {statements}. I get {value} again.",
)
CONCLUDE = (
    "So the answer is {value}.",
    "Therefore the answer is {value}.",
)


def _inverse_statement(done: Operation) -> str:
    """The true statement that undoes `done`, or its mirror image where nothing undoes it."""
    left, right, result = done.left, done.right, Number(evaluate(done))
    match done.operator:
        case "+":
            return _statement(Operation("-", result, right))
        case "-":
            return _statement(Operation("+", result, right))
        case "/":
            return _statement(Operation("*", result, right))
    if evaluate(right) == 0:
        return _statement(Operation("*", right, left))
    return _statement(Operation("/", result, right))


def _rest(tree: Expression) -> str:
    if isinstance(tree, Number):
        return f"Nothing is left to do, and the result is {tree.value}."
    return f"What is left is {_show(tree)}."


def _is_single(tree: Operation) -> bool:
    return isinstance(tree.left, Number) and isinstance(tree.right, Number)


def _statement(done: Operation) -> str:
    return f"{_show(done)} = {evaluate(done)}"


def _show(tree: Expression) -> str:
    # The spaces keep signs from merging into one token with what stands before them, as in "=-".
    return format_expression(tree, spaced=True)


def _step(kind: StepKind, text: str) -> dict[str, str]:
    return {"text": text, "kind": kind}
