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
FINE_DIGITS = 300
FINE = sympy.Float("1e-250", DIGITS)
MAX_FINE_DIGITS = 5_000
TINY = sympy.Float("1e-30", DIGITS)
# values of the first, second, ... variable at each point; signs and sizes are mixed, so that
# |x| is not x and sqrt(x^2) is not x; some are large, for what bends far from 0, such as |x-50|
POINTS = (
    *((37, 91), (-53, 87), (171, 47), (-29, 13)),
    *((1013, 7), (-733, 5), (100_003, 13), (-9973, 11)),
)
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
        parsed = parse_sides([], [left, right])
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
    """Equal as written, or at every point tried to 25 of 40 digits and at one of them to 250.

    Constants are compared with `relative_tolerance`, where one is given.
    """
    if left == right:
        return True
    if left.is_Rational and right.is_Rational:
        return _within(left, right, relative_tolerance)
    symbols = sorted(left.free_symbols | right.free_symbols, key=str)
    complex_meant = left.has(sympy.I) or right.has(sympy.I)
    agreed, unreal = 0, []
    for point in _points(symbols):
        values = _value(left, point), _value(right, point)
        if values[0] is None or values[1] is None:
            continue
        if not symbols and relative_tolerance is not None and all(v.is_real for v in values):
            return _within(*map(sympy.Rational, values), relative_tolerance)
        same = _close(*values) and (agreed > 0 or _equal_to_the_end(left, right, point, values))
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


def _within(left: sympy.Rational, right: sympy.Rational, relative_tolerance: float | None) -> bool:
    exact = [Fraction(int(value.p), int(value.q)) for value in (left, right)]
    return numbers_equal(*exact, relative_tolerance)


def _close(left: sympy.Expr, right: sympy.Expr) -> bool:
    return bool(abs(left - right) <= CLOSE * max(abs(left), abs(right)))


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
    value = _evaluated(expression, point, DIGITS)
    if value is None or not value.is_number or not value.is_finite or value.has(sympy.nan):
        return None
    if abs(value) < TINY:
        # what rounding left of 0, and what a root made of that, shrinks with more digits
        again = _evaluated(expression, point, FINE_DIGITS, 4 * DIGITS)
        if again is None or abs(again) < abs(value) / 2:
            return sympy.Integer(0)
    return value


def _equal_to_the_end(
    left: sympy.Expr,
    right: sympy.Expr,
    point: dict[sympy.Symbol, sympy.Rational],
    values: tuple[sympy.Expr, sympy.Expr],
) -> bool:
    """Whether two values that are close differ nowhere in 250 digits, as 1 and 1-2^{-100} do."""
    scale = sympy.Float(max(abs(value) for value in values), DIGITS)
    if not scale:
        return True
    _, _, exponent, bits = scale._mpf_
    digits = FINE_DIGITS + max(0, exponent + bits) // 3
    if digits > MAX_FINE_DIGITS:
        return False
    gap = _evaluated(left - right, point, digits)
    return gap is not None and bool(abs(gap) <= FINE * min(scale, sympy.Integer(1)))


def _evaluated(
    expression: sympy.Expr,
    point: dict[sympy.Symbol, sympy.Rational],
    maximum: int,
    digits: int = DIGITS,
) -> sympy.Expr | None:
    """To `digits`, worked out with up to `maximum` (100 at least)."""
    try:
        return expression.evalf(digits, subs=point, maxn=max(100, maximum))
    except (ArithmeticError, TypeError, ValueError, AttributeError, NotImplementedError):
        return None
