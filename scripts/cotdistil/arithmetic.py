"""Arithmetic problems, as in the synthetic benchmark of arXiv 2506.07712, section 3.3.

An expression is a chain of operands and operators in which parentheses may bracket a run of
operands. Every intermediate result is an integer: a division occurs only where it is exact.
"""

import hashlib
import random
from collections.abc import Sequence

from cotdistil.errors import UserError
from cotdistil.expressions import (
    MAX_OPERATIONS,
    OPERATORS,
    Number,
    apply_operator,
    count_operations,
    evaluate,
    format_expression,
    parse_expression,
)

QUESTION_PREFIX = "Compute the answer to this arithmetic expression: "
SPLITS = ("train", "test")
MAX_OPERAND = 10_000  # the divisors of a term are found by trying every operand
FRUITLESS_DRAWS = 5_000  # in a row, after which the space counts as exhausted
OPERAND_DRAWS = 20  # for one sequence of operators, until every division is exact


def parse_question(question: str) -> str:
    """The expression of a question made here; UserError if it is not such a question."""
    text = question.strip()
    expression = text.removeprefix(QUESTION_PREFIX)
    try:
        if expression == text:
            raise ValueError("another wording")
        parse_expression(expression)
    except ValueError as error:
        raise UserError(
            f"not an arithmetic question ({error}): {question[:120]!r}; expected "
            f"'{QUESTION_PREFIX}12+7-3'; give this teacher problems of kind arithmetic"
        ) from None
    return expression.strip()


def split_of(expression: str) -> str:
    """The split an expression belongs to, decided by its text: half are train, half test."""
    return SPLITS[hashlib.sha256(expression.encode()).digest()[-1] % 2]


def generate_problems(
    split: str,
    count: int,
    *,
    operations: Sequence[int] = (5, 15),
    operands: Sequence[int] = (1, 100),
    operators: str = OPERATORS,
    parentheses: float = 0.2,
    seed: int = 0,
) -> list[dict]:
    """The first `count` distinct problems of `split` ("train" or "test").

    `operations` and `operands` are inclusive [low, high], drawn uniformly (a divisor uniformly from
    those that divide); `parentheses` is the probability that an expression of two or more
    operations has one bracketed run. The defaults are the paper's, but for `parentheses` and
    `seed`, which it does not state. A larger count begins with the same problems.

    Returns dicts of problem_id, question, gold, expression, n_operations. Raises UserError where
    a setting makes no sense or there are fewer than `count` such expressions.
    """
    _check_settings(split, count, operations, operands, operators, parentheses)
    rng = random.Random(f"arithmetic problems {seed}")
    problems: dict[str, dict] = {}
    fruitless = 0
    while len(problems) < count:
        expression = _draw_expression(rng, operations, operands, operators, parentheses)
        if expression is not None and split_of(expression) == split:
            digest = hashlib.sha256(expression.encode()).hexdigest()
            problem_id = f"arithmetic-{digest[:12]}"
            if problem_id not in problems:
                tree = parse_expression(expression)
                problems[problem_id] = {
                    "problem_id": problem_id,
                    "question": QUESTION_PREFIX + expression,
                    "gold": str(evaluate(tree)),
                    "expression": expression,
                    "n_operations": count_operations(tree),
                }
                fruitless = 0
                continue
        fruitless += 1
        if fruitless >= FRUITLESS_DRAWS:
            raise UserError(
                f"arithmetic problems: found {len(problems)} distinct {split} expressions, "
                f"expected {count}; ask for fewer, or widen operations {list(operations)}, "
                f"operands {list(operands)} or operators {operators!r}"
            )
    return list(problems.values())


def _draw_expression(
    rng: random.Random,
    operations: Sequence[int],
    operands: Sequence[int],
    operators: str,
    parentheses: float,
) -> str | None:
    """One random expression, or None where no operands were found that divide."""
    count = rng.randint(*operations)
    inside = rng.randint(1, count - 1) if rng.random() < parentheses and count > 1 else 0
    chain = [rng.choice(operators) for _ in range(count - inside)]
    group = [rng.choice(operators) for _ in range(inside)]
    place = rng.randint(0, len(chain)) if group else None
    for _ in range(OPERAND_DRAWS):
        bracketed = _draw_operands(rng, group, operands, None, None) if group else None
        if group and bracketed is None:
            continue
        expression = _draw_operands(rng, chain, operands, place, bracketed)
        if expression is not None:
            return expression
    return None


def _draw_operands(
    rng: random.Random,
    operators: Sequence[str],
    operands: Sequence[int],
    place: int | None,
    bracketed: str | None,
) -> str | None:
    """A chain of `operators` between random operands, the one at `place` being `bracketed`."""
    low, high = operands
    text, term = "", 1  # term: the product or quotient that the next operand would join
    for index, operator in enumerate(["", *operators]):
        if index == place:
            written, value = f"({bracketed})", evaluate(parse_expression(bracketed))
        else:
            value = rng.randint(low, high)
            if operator == "/":
                divisors = [d for d in range(low, high + 1) if d and term % d == 0]
                divisors = [d for d in divisors if abs(d) > 1] or divisors
                if not divisors:
                    return None
                value = rng.choice(divisors)
            written = format_expression(Number(value), leading=index == 0)
        if operator == "/" and (value == 0 or term % value):
            return None
        term = apply_operator(operator, term, value) if operator in ("*", "/") else value
        text += operator + written
    return text


def _check_settings(
    split: str,
    count: int,
    operations: Sequence[int],
    operands: Sequence[int],
    operators: str,
    parentheses: float,
) -> None:
    faults = []
    if split not in SPLITS:
        faults.append(f"split: found {split!r}; expected 'train' or 'test'")
    if count < 1:
        faults.append(f"count: found {count}; expected 1 or more")
    for name, bounds, low, high in (
        ("operations", operations, 1, MAX_OPERATIONS),
        ("operands", operands, -MAX_OPERAND, MAX_OPERAND),
    ):
        if len(bounds) != 2 or not low <= bounds[0] <= bounds[1] <= high:
            faults.append(
                f"{name}: found {list(bounds)}; expected [low, high] within {low} to {high}"
            )
    if not operators or set(operators) - set(OPERATORS) or len(set(operators)) < len(operators):
        faults.append(f"operators: found {operators!r}; expected some of '{OPERATORS}', each once")
    if not 0 <= parentheses <= 1:
        faults.append(f"parentheses: found {parentheses}; expected a probability from 0 to 1")
    if faults:
        raise UserError("arithmetic problems: " + "; ".join(faults))
