"""Arithmetic expressions over integers: read, printed and evaluated, never by `eval`.

The usual precedence, left associative. Every intermediate result is an integer: a division that
is not exact is an error.
"""

import re
from dataclasses import dataclass
from itertools import accumulate

OPERATORS = "+-*/"
MAX_OPERATIONS = 200  # of one expression: reading and evaluating recurse
MAX_DEPTH = 50

PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}
TOKEN = re.compile(r"\s*(?:([0-9]+)|([-+*/()]))")


@dataclass(frozen=True)
class Number:
    value: int


@dataclass(frozen=True)
class Group:
    """A bracketed expression; kept so that an expression prints as it was read."""

    inner: "Expression"


@dataclass(frozen=True)
class Operation:
    operator: str
    left: "Expression"
    right: "Expression"


Expression = Number | Group | Operation


def parse_expression(text: str) -> Expression:
    """Read `text`: integers, `+ - * /` and parentheses; a minus sign may stand before a number.

    Raises ValueError on anything else, and where there are too many operators or open brackets.
    """
    tokens: list[str] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        match = TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"unexpected character {text[position:].lstrip()[0]!r} in {text!r}")
        tokens.append(match[1] or match[2])
        position = match.end()
    depth = max(accumulate({"(": 1, ")": -1}.get(token, 0) for token in tokens), default=0)
    if sum(token in OPERATORS for token in tokens) > 2 * MAX_OPERATIONS or depth > MAX_DEPTH:
        raise ValueError(f"more than {2 * MAX_OPERATIONS} signs or {MAX_DEPTH} open brackets")
    tokens.append("end of the expression")
    tokens.reverse()  # so that the next token is the last of the list

    def operand() -> Expression:
        token = tokens.pop()
        if token == "(":
            inner = chain(1)
            if tokens.pop() != ")":
                raise ValueError(f"a parenthesis is not closed in {text!r}")
            return inner if isinstance(inner, Number) else Group(inner)
        if token == "-" and tokens[-1].isdigit():
            return Number(-int(tokens.pop()))
        if not token.isdigit():
            raise ValueError(f"expected a number, found {token!r} in {text!r}")
        return Number(int(token))

    def chain(precedence: int) -> Expression:
        left = chain(precedence + 1) if precedence < 2 else operand()
        while PRECEDENCE.get(tokens[-1]) == precedence:
            operator = tokens.pop()
            right = chain(precedence + 1) if precedence < 2 else operand()
            left = Operation(operator, left, right)
        return left

    expression = chain(1)
    if len(tokens) != 1:
        raise ValueError(f"expected an operator, found {tokens[-1]!r} in {text!r}")
    return expression


def format_expression(expression: Expression, spaced: bool = False, leading: bool = True) -> str:
    """Print `expression`, with spaces around the operators if `spaced`.

    A negative number is bracketed unless it is `leading`, which it is where no operator stands
    before it: `108+(-20)`.
    """
    match expression:
        case Number(value):
            return str(value) if leading or value >= 0 else f"({value})"
        case Group(inner):
            return f"({format_expression(inner, spaced)})"
        case Operation(operator, left, right):
            level = PRECEDENCE[operator]
            if isinstance(left, Operation) and PRECEDENCE[left.operator] < level:
                left = Group(left)
            if isinstance(right, Operation) and PRECEDENCE[right.operator] <= level:
                right = Group(right)
            sign = f" {operator} " if spaced else operator
            right_text = format_expression(right, spaced, leading=False)
            return format_expression(left, spaced, leading) + sign + right_text


def apply_operator(operator: str, left: int, right: int) -> int:
    """The result of one operation; ValueError where a division is not exact or is by 0."""
    if operator == "+":
        return left + right
    if operator == "-":
        return left - right
    if operator == "*":
        return left * right
    if right == 0 or left % right:
        raise ValueError(f"{left}/{right} is not an integer")
    return left // right


def evaluate(expression: Expression) -> int:
    """The value; ValueError where an intermediate result is not an integer."""
    match expression:
        case Number(value):
            return value
        case Group(inner):
            return evaluate(inner)
        case Operation(operator, left, right):
            return apply_operator(operator, evaluate(left), evaluate(right))


def count_operations(expression: Expression) -> int:
    match expression:
        case Number():
            return 0
        case Group(inner):
            return count_operations(inner)
        case Operation(_, left, right):
            return 1 + count_operations(left) + count_operations(right)


def reduce_once(expression: Expression) -> tuple[Operation, Expression]:
    """The first operation whose operands are both numbers, and what is left once it is done.

    From left to right, in the order of evaluation. Raises ValueError for a lone number and where
    the division is not exact.
    """
    match expression:
        case Operation(operator, Number(left), Number(right)):
            return expression, Number(apply_operator(operator, left, right))
        case Operation(operator, left, right):
            if not isinstance(left, Number):
                done, left = reduce_once(left)
            else:
                done, right = reduce_once(right)
            return done, Operation(operator, left, right)
        case Group(inner):
            done, inner = reduce_once(inner)
            return done, inner if isinstance(inner, Number) else Group(inner)
    raise ValueError(f"nothing is left to compute in {format_expression(expression)}")
