"""What an answer means beside the other: a list as a point, 1,234 as a number, ACF as choices."""

import re
from fractions import Fraction

from cotdistil.grading.comparison.forms import (
    Brackets,
    Form,
    Items,
    Leaf,
    Matrix,
    Named,
    Relation,
    Union,
)
from cotdistil.grading.comparison.names import VARIABLE, without_subscript
from cotdistil.grading.spelling.wording import same_words
from cotdistil.grading.values.numeric import parse_number
from cotdistil.grading.values.units import Quantity, split_unit


def without_bare_unit(quantity: Quantity, other: Quantity) -> Quantity:
    """`5\\pi m^{2}` is 5\\pi, where the other answer has the unit m^2."""
    if quantity.unit or not other.unit:
        return quantity
    unit = re.sub(r"\^(-?[0-9])", r"^{\1}", other.unit)
    if len(quantity.value) > len(unit) and quantity.value.endswith(unit):
        return Quantity(quantity.value.removesuffix(unit).rstrip(), other.unit)
    return quantity


def is_nothing(form: Form, words: Form) -> bool:
    """The empty set, as the solution of what has none."""
    return form == Items((), is_set=True) and (
        isinstance(words, Leaf) and same_words(words.text, r"\text{no~solution}")
    )


def members(form: Form) -> tuple[Form, ...]:
    if not isinstance(form, Items):
        return (form,)
    return tuple(dict.fromkeys(form.items)) if form.is_set else form.items


def joined(form: Form) -> tuple[Form, ...]:
    return form.parts if isinstance(form, Union) else (form,)


def as_point(form: Form, other: Form) -> Form:
    """`x=1, y=2` as the point (1,2), where the other answer is a point."""
    other = other.value if isinstance(other, Named) else other
    if not isinstance(form, Items) or not isinstance(other, Brackets) or other.opening != "(":
        return form
    return Brackets("(", values_in_order(form), ")") if are_assignments(form) else form


def as_number(form: Form, other: Form) -> Form:
    """1,234 as one number, where the other answer is one value."""
    if isinstance(form, Items) and form.number and isinstance(other, Leaf):
        return Leaf(form.number)
    return form


def are_assignments(form: Form) -> bool:
    """Whether it is a list of values for different names."""
    if not isinstance(form, Items) or len(form.items) < 2:
        return False
    if not all(isinstance(item, Named) for item in form.items):
        return False
    return len({without_subscript(item.name) for item in form.items}) == len(form.items)


def values_in_order(form: Form) -> tuple[Form, ...]:
    """The values in the order of x, y, z, where those are their names, else as they are written."""
    items = members(form)
    if are_assignments(form) and all(item.name in ("x", "y", "z") for item in items):
        items = tuple(sorted(items, key=lambda item: item.name))
    return tuple(item.value if isinstance(item, Named) else item for item in items)


def same_variable(one: Form, other: Form) -> bool:
    names = {getattr(form, "variable", "") for form in (one, other)} - {""}
    return len(names) < 2


def as_choices(form: Form, other: Form) -> Form:
    """`ACF` as the choices A, C, F, where the other answer is a list of choices.

    Letters that do not follow the alphabet are an arrangement: CBAD is not A, B, C, D.
    """
    if not isinstance(form, Leaf) or not isinstance(other, Items):
        return form
    text = form.text.removeprefix(r"\text{").removesuffix("}")
    choices = all(isinstance(item, Leaf) and len(item.text) == 1 for item in other.items)
    if choices and text.isalpha() and len(text) == len(other.items):
        letters = text.upper()
        if list(letters) == sorted(letters) or letters == "".join(i.text for i in other.items):
            return Items(tuple(map(Leaf, letters)))
    return form


def rows_of(form: Form, other: Form) -> tuple[tuple[Form, ...], ...]:
    """A tuple stands for a vector, a list of lists for a matrix."""
    if isinstance(form, Matrix):
        return form.rows
    if not isinstance(form, Brackets):
        return ()
    if (form.opening, form.closing) == ("(", ")"):
        if len(getattr(other, "rows", ())) == 1:
            return (form.items,)
        return tuple((item,) for item in form.items)
    rows = form.items if form.opening == "[" else ()
    if all(isinstance(row, Brackets) and row.opening == "[" for row in rows):
        return tuple(row.items for row in rows)
    return ()


def share(upper: str, lower: str) -> str:
    """The quotient of two terms, as a number where it is one."""
    values = parse_number(upper), parse_number(lower)
    if None in values or values[1] == 0:
        return rf"\frac{{{upper}}}{{{lower}}}"
    quotient = values[0] / values[1]
    return rf"\frac{{{quotient.numerator}}}{{{quotient.denominator}}}"


def is_time(form: Brackets) -> bool:
    if not all(isinstance(item, Leaf) for item in form.items):
        return False
    figures = [split_unit(item.text).value for item in form.items]
    return all(text.isdigit() for text in figures) and len(figures[-1]) == 2


def is_quotient(ratio: Form, other: Form) -> bool:
    """The ratio 3:4 as a fraction."""
    if not isinstance(ratio, Brackets) or ratio.opening != ":" or len(ratio.items) != 2:
        return False
    if not isinstance(other, Leaf) or not all(isinstance(item, Leaf) for item in ratio.items):
        return False
    if not re.search(r"/|\\frac", other.text):
        return False  # 1:20 is a time as well, and no 0.05
    upper, lower, value = (parse_number(leaf.text) for leaf in (*ratio.items, other))
    return None not in (upper, lower, value) and lower != 0 and Fraction(upper / lower) == value


def as_relation(form: Form, other: Form) -> Relation | None:
    """`y=2x` as an equation. `x=5` is one beside `x-5=0`, but not beside an unsolved `2x=10`."""
    turned_to_zero = isinstance(other, Relation) and "0" in (other.left, other.right)
    if isinstance(form, Named) and isinstance(form.value, Leaf):
        is_variable = VARIABLE.fullmatch(form.name)
        is_number = parse_number(form.value.text) is not None
        if "(" in form.name or (is_variable and is_number and not turned_to_zero):
            return None
        return Relation(form.name, "=", form.value.text)
    return form if isinstance(form, Relation) else None


def same_but_subscript(left: str, right: str) -> bool:
    bare = without_subscript(left), without_subscript(right)
    return bare[0] == bare[1] and (left in bare or right in bare)


def has_words(text: str) -> bool:
    return r"\text" in text.replace(r"\text{degree}", "")
