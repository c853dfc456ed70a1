"""Decide by algebra whether two expressions are the same. Runs in a worker process only.

Imports SymPy and latex2sympy2, whose parser can take seconds and much memory.
"""

from fractions import Fraction

import latex2sympy2
import sympy
from antlr4 import CommonTokenStream, InputStream, Token
from antlr4.atn.PredictionMode import PredictionMode

from cotdistil.grading.algebra.expression import UnreadableError, rewrite_expression
from cotdistil.grading.comparison.compare import Comparison
from cotdistil.grading.comparison.forms import Relation
from cotdistil.grading.comparison.structure import read_form
from cotdistil.grading.values.numeric import numbers_equal

DIGITS = 40
CLOSE = sympy.Float("1e-25", DIGITS)
ZERO = sympy.Float("1e-50", DIGITS)
LARGE = 10**10
MAX_DIGITS = 5_000
# values of the first, second, ... variable at each point; signs and sizes are mixed, so that
# |x| is not x and sqrt(x^2) is not x
POINTS = ((37, 91), (-53, 87), (119, 71), (-29, 43), (171, 47), (23, 97))
NEEDED_POINTS = 3


class UnreadableGoldError(Exception):
    """The gold answer cannot be parsed, so nothing can be said of any answer."""


def compare_symbolically(gold: str, answer: str, relative_tolerance: float | None) -> bool:
    """Compare two normalised answers, their parts by algebra. Raises UnreadableGoldError."""
    oracle = SymbolicOracle(relative_tolerance)
    return Comparison(oracle, relative_tolerance).forms(read_form(gold), read_form(answer))


class SymbolicOracle:
    def __init__(self, relative_tolerance: float | None):
        self.relative_tolerance = relative_tolerance

    def equal(self, gold: str, answer: str) -> bool:
        parsed = parse_sides([gold], [answer])
        return parsed is not None and expressions_equal(*parsed, self.relative_tolerance)

    def same_relation(self, gold: Relation, answer: Relation) -> bool:
        parsed = parse_sides([gold.left, gold.right], [answer.left, answer.right])
        if parsed is None:
            return False
        left, right = sympy.Add(parsed[0], -parsed[1]), sympy.Add(parsed[2], -parsed[3])
        return _proportional(left, right, positive=gold.order in ("<", "<="))

    def less(self, left: str, right: str) -> bool:
        parsed = parse_sides([left], [right])
        values = [_value(side, {}) for side in parsed or []]
        return (
            len(values) == 2
            and all(v is not None and v.is_real for v in values)
            and bool(values[0] < values[1])
        )


def parse_sides(gold: list[str], answer: list[str]) -> list[sympy.Expr] | None:
    """All expressions with one naming of variables, or None where the answer is unreadable."""
    variables: dict[str, str] = {}
    try:
        parsed = [parse_expression(rewrite_expression(text, variables)) for text in gold]
    except UnreadableError as error:
        raise UnreadableGoldError(str(error)) from error
    try:
        return parsed + [parse_expression(rewrite_expression(text, variables)) for text in answer]
    except UnreadableError:
        return None


def parse_expression(latex: str) -> sympy.Expr:
    """Parse LaTeX that `rewrite_expression` wrote, all of it. Raises UnreadableError.

    `latex2sympy2.latex2sympy` accepts any tail behind a complete expression and keeps what one
    text assigns for the next; here the tail is an error and the state is cleared.
    """
    latex2sympy2.set_variances({})
    failure: Exception | None = None
    for mode in (PredictionMode.SLL, PredictionMode.LL):  # the first is faster, and rarely fails
        listener = latex2sympy2.MathErrorListener(latex)
        lexer = latex2sympy2.PSLexer(InputStream(latex))
        lexer.removeErrorListeners()
        lexer.addErrorListener(listener)
        stream = CommonTokenStream(lexer)
        parser = latex2sympy2.PSParser(stream)
        parser.removeErrorListeners()
        parser.addErrorListener(listener)
        parser._interp.predictionMode = mode
        try:
            tree = parser.relation()
            if stream.LA(1) != Token.EOF:
                raise UnreadableError(f"nothing reads {stream.LT(1).text!r}")
            expression = latex2sympy2.convert_relation(tree)
        except (MemoryError, RecursionError):
            raise
        except Exception as error:
            failure = error
            continue
        if isinstance(expression, sympy.Expr):
            return expression
        failure = TypeError(f"it is a {type(expression).__name__}")
    raise UnreadableError(str(failure).partition("\n")[0]) from failure


def expressions_equal(
    left: sympy.Expr, right: sympy.Expr, relative_tolerance: float | None
) -> bool:
    """Equal as written, or at every point tried to 25 of 40 digits (all digits of a large number).

    Constants are compared with `relative_tolerance`, where one is given.
    """
    if left == right:
        return True
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    complex_meant = left.has(sympy.I) or right.has(sympy.I)
    agreed, unreal = 0, []
    for point in _points(symbols):
        values = _value(left, point), _value(right, point)
        if values[0] is None or values[1] is None:
            continue
        if not symbols and relative_tolerance is not None and all(v.is_real for v in values):
            exact = [sympy.Rational(value) for value in values]
            return numbers_equal(*map(_fraction, exact), relative_tolerance)
        same = _close(*values) and _same_large(left, right, point, values)
        if symbols and not complex_meant and not all(value.is_real for value in values):
            unreal.append(same)  # such as the logarithm of what is meant to be positive
        elif not same:
            return False
        else:
            agreed += 1
    if agreed >= (NEEDED_POINTS if symbols else 1):
        return True
    if not all(unreal):
        return False
    return agreed + len(unreal) >= NEEDED_POINTS or sympy.simplify(left - right) == 0


def _close(left: sympy.Expr, right: sympy.Expr) -> bool:
    return bool(abs(left - right) <= max(CLOSE * max(abs(left), abs(right)), ZERO))


def _proportional(left: sympy.Expr, right: sympy.Expr, positive: bool) -> bool:
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    if not symbols:
        return False
    ratios = []
    for point in _points(symbols):
        values = _value(left, point), _value(right, point)
        if values[0] is None or values[1] is None or values[0] == 0 or values[1] == 0:
            continue
        ratio = values[0] / values[1]
        if ratios and abs(ratio - ratios[0]) > CLOSE * abs(ratios[0]):
            return False
        ratios.append(ratio)
    if len(ratios) < NEEDED_POINTS:
        return False
    return not positive or bool(ratios[0].is_real and ratios[0] > 0)


def _points(symbols: list[sympy.Symbol]) -> list[dict[sympy.Symbol, sympy.Rational]]:
    if not symbols:
        return [{}]
    return [
        {
            symbol: sympy.Rational(upper + 7 * index * (-1) ** (index + number), lower + 2 * index)
            for index, symbol in enumerate(symbols)
        }
        for number, (upper, lower) in enumerate(POINTS)
    ]


def _value(expression: sympy.Expr, point: dict[sympy.Symbol, sympy.Rational]) -> sympy.Expr | None:
    try:
        value = expression.evalf(DIGITS, subs=point)
    except (ArithmeticError, TypeError, ValueError, AttributeError, NotImplementedError):
        return None
    return value if value.is_number and value.is_finite and not value.has(sympy.nan) else None


def _same_large(
    left: sympy.Expr,
    right: sympy.Expr,
    point: dict[sympy.Symbol, sympy.Rational],
    values: tuple[sympy.Expr, sympy.Expr],
) -> bool:
    """Whether two large values agree to 25 places behind the point."""
    scale = abs(values[0])
    if scale <= LARGE:
        return True
    _, _, exponent, bits = sympy.Float(scale, DIGITS)._mpf_
    digits = DIGITS + (exponent + bits) // 3
    if digits > MAX_DIGITS:
        return False
    try:
        return bool(abs((left - right).evalf(DIGITS, subs=point, maxn=digits)) < CLOSE)
    except (ArithmeticError, TypeError, ValueError, AttributeError, NotImplementedError):
        return False


def _fraction(value: sympy.Rational) -> Fraction:
    return Fraction(int(value.p), int(value.q))
