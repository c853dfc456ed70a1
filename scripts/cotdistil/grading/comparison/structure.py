r"""Read a normalised answer as a tuple, interval, set, list, matrix, equation, or one value."""

import itertools
import re
from collections.abc import Iterator

from cotdistil.grading.comparison.forms import (
    REAL_LINE,
    Brackets,
    Congruence,
    Form,
    Items,
    Leaf,
    Matrix,
    Named,
    Relation,
    Union,
)
from cotdistil.grading.comparison.names import VARIABLE, is_arithmetic, names_an_answer
from cotdistil.grading.spelling.macros import OR
from cotdistil.grading.values.numeric import THOUSANDS, parse_number

MAX_ITEMS = 128

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
OPENING = frozenset(("(", "[", "{", r"\{", r"\begin"))
CLOSING = frozenset((")", "]", "}", r"\}", r"\end"))
ORDER = {"<": "<", r"\leq": "<=", ">": ">", r"\geq": ">=", "=": "=", r"\neq": "!="}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
MATRIX = re.compile(
    r"([(\[|]|\\\|)?\\begin\{([pbvVB]?)(?:(?:small)?matrix|array\}\{?[clr|]+)\}?(.*)\\end\{[A-Za-z]*\}([)\]|]|\\\|)?",
    re.DOTALL,
)
ABSOLUTE = re.compile(rf"\|({VARIABLE.pattern})\|")
PLUS_MINUS = re.compile(r"\\(p|m)(?:m|p)(?![a-z]) ?")
OTHER_SIGN = {"+": "-", "-": "+"}
MAX_SIGNS = 4
UNKNOWNS = ("x", "y", "z")
DETERMINANTS = {"v": "|", "V": r"\|"}
CONGRUENCE = re.compile(r"(.*?)(?:\\equiv ?)?([^\\]+|\([^\\]+\))\\pmod\{([^{}]+)\}")
CASES = re.compile(r"\\begin\{cases\}(.*)\\end\{cases\}", re.DOTALL)
REALS = re.compile(r"(?:\\mathbb\{R\}|\(-\\infty,\\infty\))(?:(?:\\setminus ?|-)(\\\{.*\\\}))?")


def read_form(text: str, depth: int = 0) -> Form:
    """The structure of a normalised answer. What has none is a `Leaf`; never raises."""
    if depth > 8:
        return Leaf(text)
    text = text.removeprefix("+")
    items = [item for item in split_top(text, (",", ";")) if item]
    if len(items) > MAX_ITEMS:
        return Leaf(text)
    if len(items) > 1:
        if r"\neq" in items[0] and (line := _without_points(items, depth)):
            return line
        has_or = any(item.startswith(OR) for item in items)
        forms = (form for item in items for form in _read_item(item.removeprefix(OR), depth))
        number = text.replace(",", "") if THOUSANDS.fullmatch(text) else ""
        return Items(tuple(forms), has_or=has_or, number=number)
    if len(items) == 1:
        text = items[0]
    if PLUS_MINUS.search(text) and not text.startswith(r"\{"):
        return Items(tuple(_read_item(text, depth)))
    return _read_one(text, depth)


def _read_item(text: str, depth: int) -> Iterator[Form]:
    if PLUS_MINUS.search(text) and not text.startswith(r"\{"):
        for signed in _signed(text):
            yield _read_one(signed, depth)
    else:
        yield _read_one(text, depth)


def _signed(text: str) -> Iterator[str]:
    r"""The text with each choice of its signs; `\\pm` and `\\mp` in one text go together.

    A text of more than four is left as it is.
    """
    count = len(PLUS_MINUS.findall(text))
    if count > MAX_SIGNS:
        yield text
        return
    if r"\mp" in text:
        choices = ["+" * count, "-" * count]
    else:
        choices = map("".join, itertools.product("+-", repeat=count))
    for choice in choices:
        signs = iter(choice)
        yield PLUS_MINUS.sub(
            lambda sign, signs=signs: next(signs) if sign[1] == "p" else OTHER_SIGN[next(signs)],
            text,
        )


def _read_one(text: str, depth: int) -> Form:
    text = text.removeprefix("+")
    if r"\pmod" in text and (match := CONGRUENCE.fullmatch(text)):
        return Congruence(match[1], match[2].strip("()"), match[3])
    exact, approx, value = text.partition(r"\approx")
    if approx:  # of an exact value and its decimals, the exact one; a name has the decimals only
        text = f"{exact}={value}" if names_an_answer(exact) else exact
    if any(sign in text for sign in ("<", ">", "=", r"\leq", r"\geq", r"\neq", r"\in")):
        related = _relation(text, depth)
        if related:
            return related
    if r"\cup" in text:
        parts = split_top(text, (r"\cup",))
        if len(parts) > 1:
            return Union(tuple(read_form(part, depth + 1) for part in parts))
    if text == r"\emptyset":
        return Items((), is_set=True)
    if (match := REALS.fullmatch(text)) and (line := _real_line(match[1], depth)):
        return line
    ratio = split_top(text, (":",))
    if len(ratio) > 1 and all(ratio):
        return Brackets(":", tuple(read_form(part, depth + 1) for part in ratio), ":")
    if r"\begin" in text:
        if match := CASES.fullmatch(text):
            return _cases(match[1], depth)
        scalar, _, _ = text.partition(r"\begin")
        scalar = scalar.rstrip("([|*")
        scalar, text = ("-1", text.removeprefix("-")) if scalar == "-" else (scalar, text)
        text = text.removeprefix(scalar).removeprefix("*")
        match = MATRIX.fullmatch(text)
        if match and r"\begin" not in match[3]:
            matrix = _matrix(match[3], DETERMINANTS.get(match[2]) or _bars(match), depth)
            return _scaled(scalar, matrix) if scalar else matrix
    if text[:1].isupper() and text[1:2] == "(" and text.isascii():
        point = _brackets(text[1:], depth)
        if isinstance(point, Brackets):
            return Named(text[0], point, text)
    return _brackets(text, depth) or Leaf(text)


def _bars(match: re.Match[str]) -> str:
    return match[1] if match[1] == match[4] and match[1] in ("|", r"\|") else ""


def _without_points(items: list[str], depth: int) -> Form | None:
    """`x \\neq 1, 2` and `x \\neq 1, x \\neq 2`."""
    points, variables = [], set()
    for item in items:
        left, found, point = item.rpartition(r"\neq")
        if found:
            variables.add(left.strip())
        points.append(point.strip())
    if len(variables) != 1 or not VARIABLE.fullmatch(*variables):
        return None
    return _real_line(rf"\{{{','.join(points)}\}}", depth)


def _real_line(without: str | None, depth: int) -> Form | None:
    """All real numbers, or all but a few."""
    if without is None:
        return REAL_LINE
    points = read_form(without, depth + 1)
    if not isinstance(points, Items) or not all(isinstance(p, Leaf) for p in points.items):
        return None
    if len(points.items) > 1:
        values = {point: parse_number(point.text) for point in points.items}
        if None in values.values():
            return None
        points = Items(tuple(sorted(values, key=values.__getitem__)))
    ends = [Leaf(r"-\infty"), *points.items, Leaf(r"\infty")]
    return Union(tuple(Brackets("(", pair, ")") for pair in itertools.pairwise(ends)))


def tokens_with_depth(text: str) -> Iterator[tuple[str, int, int]]:
    """Each token, the bracket depth outside it, and where it starts."""
    depth = 0
    for match in TOKEN.finditer(text):
        token = match.group()
        if token in CLOSING:
            depth -= 1
        yield token, depth, match.start()
        if token in OPENING:
            depth += 1


def split_top(text: str, separators: tuple[str, ...]) -> list[str]:
    """Split at separators that no bracket encloses."""
    parts, last = [], 0
    if not any(separator in text for separator in separators):
        return [text]
    for token, depth, start in tokens_with_depth(text):
        if depth == 0 and token in separators:
            parts.append(text[last:start].strip())
            last = start + len(token)
    return [*parts, text[last:].strip()]


def _relation(text: str, depth: int) -> Form | None:
    sides, orders, last = [], [], 0
    for token, level, start in tokens_with_depth(text):
        if level == 0 and (token in ORDER or token == r"\in"):
            sides.append(text[last:start].strip())
            orders.append(ORDER.get(token, "in"))
            last = start + len(token)
    sides.append(text[last:].strip())
    if not orders or not all(sides):
        return None
    if orders == ["in"]:
        return read_form(sides[1], depth + 1) if VARIABLE.fullmatch(sides[0]) else None
    if set(orders) == {"="}:
        return _equation(sides, text, depth)
    if len(orders) == 1:
        return _inequality(sides[0], orders[0], sides[1], depth)
    if len(orders) == 2 and VARIABLE.fullmatch(sides[1]):
        return _between(sides, orders, depth)
    return _ascending(sides, orders)


def _equation(sides: list[str], text: str, depth: int) -> Form | None:
    left, right = sides[0], sides[-1]
    if names_an_answer(left):
        return Named(left, read_form(right, depth + 1), text)
    if len(sides) == 2 and names_an_answer(right):
        return Named(right, read_form(left, depth + 1), f"{right}={left}")
    if all(map(is_arithmetic, sides)):
        values = {number for side in sides if (number := parse_number(side)) is not None}
        if len(values) < 2:
            return Named("", read_form(right, depth + 1), text)
    return Relation(left, "=", right) if len(sides) == 2 else None


def _inequality(left: str, order: str, right: str, depth: int) -> Form:
    if VARIABLE.fullmatch(right) and (not VARIABLE.fullmatch(left) or _is_unknown(right, left)):
        left, order, right = right, MIRRORED[order], left
    if (match := ABSOLUTE.fullmatch(left)) and order[0] == "<" and not re.search("[+-]", right):
        return _between([f"-{right}", match[1], right], [order, order], depth)
    if VARIABLE.fullmatch(left) and (not VARIABLE.fullmatch(right) or _is_unknown(left, right)):
        bound = read_form(right, depth + 1)
        below = Brackets("(", (Leaf(r"-\infty"), bound), "]" if order == "<=" else ")", left)
        above = Brackets("[" if order == ">=" else "(", (bound, Leaf(r"\infty")), ")", left)
        return Union((below, above)) if order == "!=" else below if order[0] == "<" else above
    if order[0] == ">" or (order == "!=" and right < left):
        left, order, right = right, MIRRORED[order], left
    return Relation(left, order, right)


def _is_unknown(name: str, bound: str) -> bool:
    """Of x < a, x is what lies below a; of x < y, neither is."""
    return name in UNKNOWNS and bound not in UNKNOWNS


def _ascending(sides: list[str], orders: list[str]) -> Form | None:
    """A chain such as `a < b <= c`, from the least to the greatest."""
    if all(order[0] == ">" for order in orders):
        sides, orders = sides[::-1], [MIRRORED[order] for order in orders[::-1]]
    if not all(order[0] == "<" for order in orders):
        return None
    return Brackets("chain", tuple(map(Leaf, sides)), " ".join(orders))


def _between(sides: list[str], orders: list[str], depth: int) -> Form | None:
    if all(order[0] == ">" for order in orders):
        sides, orders = sides[::-1], [MIRRORED[order] for order in orders[::-1]]
    if not all(order[0] == "<" for order in orders):
        return None
    ends = tuple(read_form(side, depth + 1) for side in (sides[0], sides[2]))
    opening, closing = ("[" if orders[0] == "<=" else "("), ("]" if orders[1] == "<=" else ")")
    return Brackets(opening, ends, closing, sides[1])


def _matrix(body: str, bars: str, depth: int) -> Matrix:
    rows = [row for row in split_top(body, (r"\\",)) if row]
    return Matrix(
        tuple(
            tuple(read_form(entry, depth + 1) for entry in split_top(row, ("&",))) for row in rows
        ),
        bars,
    )


def _cases(body: str, depth: int) -> Form:
    """A function in pieces: each a value and its condition, in any order."""
    pieces = []
    for row in filter(None, split_top(body, (r"\\",))):
        value, *condition = split_top(row, ("&",))
        words = re.sub(r"\\text\{(?:if|for|when)~?\}", "", "".join(condition)).strip(",.; ")
        forms = read_form(value.strip(",; "), depth + 1), read_form(words, depth + 1)
        pieces.append(Brackets("piece", forms, ""))
    return Items(tuple(pieces), is_set=True)


def _scaled(scalar: str, matrix: Matrix) -> Form:
    """The product of a number and a matrix. Entries that are not single values stay as they are."""
    factor = parse_number(scalar)

    def product(entry: Form) -> Form:
        value = parse_number(entry.text) if isinstance(entry, Leaf) else None
        if factor is None or value is None:
            return Leaf(f"({scalar})*({entry.text})") if isinstance(entry, Leaf) else entry
        upper, lower = (factor * value).as_integer_ratio()
        return Leaf(rf"\frac{{{upper}}}{{{lower}}}" if lower != 1 else str(upper))

    return Matrix(tuple(tuple(map(product, row)) for row in matrix.rows), matrix.bars)


def _brackets(text: str, depth: int) -> Form | None:
    opening = next((mark for mark in (r"\{", "(", "[") if text.startswith(mark)), None)
    if opening is None:
        return None
    closed_at = None
    for token, level, start in tokens_with_depth(text):
        if start and level == 0 and token in CLOSING:
            closed_at = (token, start)
            break
    if closed_at is None or closed_at[1] + len(closed_at[0]) != len(text):
        return None
    closing, inside = closed_at[0], text[len(opening) : closed_at[1]]
    if opening == r"\{" and closing == r"\}":
        return _set(inside, depth)
    parts = split_top(inside, (",", ";"))
    if len(parts) == 1:
        # brackets around a single value only group it
        return read_form(inside, depth + 1) if (opening, closing) == ("(", ")") else None
    if len(parts) > MAX_ITEMS or not all(parts):
        return None
    return Brackets(opening, tuple(read_form(part, depth + 1) for part in parts), closing)


def _set(inside: str, depth: int) -> Form:
    for mark in ("|", ":"):
        variable, found, condition = inside.partition(mark)
        if found and VARIABLE.fullmatch(variable.partition(r"\in")[0].strip()):
            return read_form(condition, depth + 1)
    form = read_form(inside, depth + 1) if inside else Items(())
    return Items(form.items if isinstance(form, Items) else (form,), is_set=True)
