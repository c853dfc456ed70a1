r"""Read a normalised answer as a tuple, interval, set, list, matrix, equation, or one value."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_ITEMS = 128

TOKEN = re.compile(r"\\[A-Za-z]+|\\.|.", re.DOTALL)
OPENING = frozenset(("(", "[", "{", r"\{"))
CLOSING = frozenset((")", "]", "}", r"\}"))
ORDER = {"<": "<", r"\leq": "<=", ">": ">", r"\geq": ">=", "=": "=", r"\neq": "!="}
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
VARIABLE = re.compile(r"(?:[A-Za-z]|\\(?!infty|pi\b)[a-z]+)(?:_\{[^{}]*\})?'?")
CALL = re.compile(rf"{VARIABLE.pattern}\((?:[A-Za-z0-9](?:,[A-Za-z0-9])*)\)")
LABEL = re.compile(r"\\text\{[^{}]*\}")
MATRIX = re.compile(r"\\begin\{([pbvVB]?)(?:matrix|array)\}(.*)\\end\{[A-Za-z]*\}", re.DOTALL)


@dataclass(frozen=True)
class Leaf:
    """A single value, as normalised LaTeX."""

    text: str


@dataclass(frozen=True)
class Named:
    """`x=5`, `f(x)=x-1`: a value with the name the answer gives it."""

    name: str
    value: "Form"
    text: str


@dataclass(frozen=True)
class Relation:
    """`left order right`; `order` is one of "=", "!=", "<", "<="."""

    left: str
    order: str
    right: str


@dataclass(frozen=True)
class Items:
    """Values without an order: a list at the top level, `\\{...\\}`, or the two of a `\\pm`."""

    items: tuple["Form", ...]


@dataclass(frozen=True)
class Brackets:
    """A tuple or an interval, with the brackets that it has; a ratio or a time has colons."""

    opening: str
    items: tuple["Form", ...]
    closing: str


@dataclass(frozen=True)
class Matrix:
    rows: tuple[tuple["Form", ...], ...]


@dataclass(frozen=True)
class Union:
    """Sets joined by `\\cup`."""

    parts: tuple["Form", ...]


Form = Leaf | Named | Relation | Items | Brackets | Matrix | Union


def read_form(text: str, depth: int = 0) -> Form:
    """The structure of a normalised answer. What has none is a `Leaf`; never raises."""
    if depth > 8:
        return Leaf(text)
    text = text.removeprefix("+")
    items = [item for item in split_top(text, (",", ";")) if item]
    if len(items) > MAX_ITEMS:
        return Leaf(text)
    if len(items) > 1:
        return Items(tuple(form for item in items for form in _read_item(item, depth)))
    if len(items) == 1:
        text = items[0]
    if (r"\pm" in text or r"\mp" in text) and not text.startswith(r"\{"):
        return Items(tuple(_read_item(text, depth)))
    return _read_one(text, depth)


def _read_item(text: str, depth: int) -> Iterator[Form]:
    if (r"\pm" in text or r"\mp" in text) and not text.startswith(r"\{"):
        for plus, minus in (("+", "-"), ("-", "+")):
            yield _read_one(re.sub(r"\\pm ?", plus, re.sub(r"\\mp ?", minus, text)), depth)
    else:
        yield _read_one(text, depth)


def _read_one(text: str, depth: int) -> Form:
    text = text.removeprefix("+")
    if any(sign in text for sign in ("<", ">", "=", r"\leq", r"\geq", r"\neq", r"\in")):
        related = _relation(text, depth)
        if related:
            return related
    if r"\cup" in text:
        parts = split_top(text, (r"\cup",))
        if len(parts) > 1:
            return Union(tuple(read_form(part, depth + 1) for part in parts))
    ratio = split_top(text, (":",))
    if len(ratio) > 1 and all(ratio):
        return Brackets(":", tuple(read_form(part, depth + 1) for part in ratio), ":")
    if text.startswith(r"\begin"):
        match = MATRIX.fullmatch(text)
        if match and r"\begin" not in match[2]:
            return _matrix(match[2], depth)
    return _brackets(text, depth) or Leaf(text)


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
    return None


def _equation(sides: list[str], text: str, depth: int) -> Form | None:
    left, right = sides[0], sides[-1]
    if _is_name(left):
        return Named(left, read_form(right, depth + 1), text)
    if len(sides) > 2:
        return None
    if _is_name(right):
        return Named(right, read_form(left, depth + 1), f"{right}={left}")
    return Relation(left, "=", right)


def _is_name(text: str) -> bool:
    return any(kind.fullmatch(text) for kind in (VARIABLE, CALL, LABEL))


def _inequality(left: str, order: str, right: str, depth: int) -> Form:
    if VARIABLE.fullmatch(right) and not VARIABLE.fullmatch(left):
        left, order, right = right, MIRRORED[order], left
    if VARIABLE.fullmatch(left) and order != "!=":
        bound = read_form(right, depth + 1)
        if order[0] == "<":
            return Brackets("(", (Leaf(r"-\infty"), bound), "]" if order == "<=" else ")")
        return Brackets("[" if order == ">=" else "(", (bound, Leaf(r"\infty")), ")")
    if order[0] == ">":
        left, order, right = right, MIRRORED[order], left
    return Relation(left, order, right)


def _between(sides: list[str], orders: list[str], depth: int) -> Form | None:
    if all(order[0] == ">" for order in orders):
        sides, orders = sides[::-1], [MIRRORED[order] for order in orders[::-1]]
    if not all(order[0] == "<" for order in orders):
        return None
    ends = tuple(read_form(side, depth + 1) for side in (sides[0], sides[2]))
    opening, closing = ("[" if orders[0] == "<=" else "("), ("]" if orders[1] == "<=" else ")")
    return Brackets(opening, ends, closing)


def _matrix(body: str, depth: int) -> Matrix:
    body = re.sub(r"^\{?[clr|]+\}?(?=[^&\\]*&)", "", body) if body.startswith("{") else body
    rows = [row for row in split_top(body, (r"\\",)) if row]
    return Matrix(
        tuple(
            tuple(read_form(entry, depth + 1) for entry in split_top(row, ("&",))) for row in rows
        )
    )


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
    return form if isinstance(form, Items) else Items((form,))
