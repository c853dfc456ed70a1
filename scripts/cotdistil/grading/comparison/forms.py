r"""The forms that an answer can have: one value, a tuple, an interval, a set, a matrix, ..."""

from collections.abc import Iterator
from dataclasses import dataclass, field


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
    """Values without an order: a list at the top level, `\\{...\\}`, or the two of a `\\pm`.

    In a set, what stands twice counts once. `has_or`: an item is an alternative to the one before.
    `number`: what it is if its commas are those of thousands, as in 1,234; else "".
    """

    items: tuple["Form", ...]
    is_set: bool = False
    has_or: bool = field(default=False, compare=False)
    number: str = field(default="", compare=False)


@dataclass(frozen=True)
class Brackets:
    """A tuple or an interval, with the brackets that it has; a ratio or a time has colons.

    `variable`: what an inequality says to lie in the interval, or "".
    """

    opening: str
    items: tuple["Form", ...]
    closing: str
    variable: str = ""


@dataclass(frozen=True)
class Matrix:
    """`bars` is "|" or "\\|" for a determinant or a norm, which is a number; else ""."""

    rows: tuple[tuple["Form", ...], ...]
    bars: str = ""


@dataclass(frozen=True)
class Union:
    """Sets joined by `\\cup`."""

    parts: tuple["Form", ...]


@dataclass(frozen=True)
class Congruence:
    """`left` is congruent to `residue`; `left` may be ""."""

    left: str
    residue: str
    modulus: str


def leaves_of(form: "Form") -> Iterator[Leaf]:
    """The single values that a form is made of."""
    if isinstance(form, Leaf):
        yield form
    elif isinstance(form, Named):
        yield from leaves_of(form.value)
    elif isinstance(form, Items | Brackets):
        for item in form.items:
            yield from leaves_of(item)
    elif isinstance(form, Union):
        for part in form.parts:
            yield from leaves_of(part)
    elif isinstance(form, Matrix):
        for row in form.rows:
            for entry in row:
                yield from leaves_of(entry)


REAL_LINE = Brackets("(", (Leaf(r"-\infty"), Leaf(r"\infty")), ")")

Form = Leaf | Named | Relation | Items | Brackets | Matrix | Union | Congruence
