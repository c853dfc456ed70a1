"""Parts of the real line: `x>1 or x<-1`, `-1<x and x<=4`, all as intervals."""

import itertools
from typing import Protocol

from cotdistil.grading.comparison.forms import (
    Brackets,
    Form,
    Items,
    Leaf,
    Named,
    Union,
)
from cotdistil.grading.values.numeric import parse_number

LEAST, GREATEST = Leaf(r"-\infty"), Leaf(r"\infty")


class Order(Protocol):
    def less(self, left: str, right: str) -> bool: ...


def as_regions(
    one: Form, other: Form, order: Order
) -> tuple[tuple[Form, ...], tuple[Form, ...]] | None:
    """The intervals and points of two answers, or None where they are compared as they stand.

    Two half-lines in a list are their common part where they have one and no "or" joins them, else
    both: many write "and" for "or". `order` says which end is less where neither is a number.
    """
    kinds = {type(one), type(other)}
    two_lists = kinds == {Items} and all(map(_has_inequality, (one, other)))
    if Union not in kinds and kinds != {Items, Brackets} and not two_lists:
        return None
    regions = _parts(one, order), _parts(other, order)
    return regions if regions[0] and regions[1] else None


def _parts(form: Form, order: Order) -> tuple[Form, ...]:
    if _is_interval(form):
        return (form,)
    if isinstance(form, Union):
        return _all_parts(form.parts, order)
    if isinstance(form, Items):
        variables = {item.variable for item in form.items if isinstance(item, Brackets)}
        if len(variables - {""}) > 1:
            return ()
        both_unbounded = len(form.items) == 2 and all(map(_is_unbounded, form.items))
        if both_unbounded and not form.has_or:
            common = _common_part(*form.items, order)
            return (common,) if common else form.items
        return _all_parts(form.items, order)
    if isinstance(form, Named):
        return _parts(form.value, order)
    return (form,) if isinstance(form, Leaf) else ()


def _all_parts(forms: tuple[Form, ...], order: Order) -> tuple[Form, ...]:
    parts = [_parts(form, order) for form in forms]
    return tuple(itertools.chain(*parts)) if all(parts) else ()


def differ_in_or(one: Form, other: Form) -> bool:
    """Whether "or" joins the inequalities of one list and not those of the other.

    For two half-lines to opposite sides that says nothing: see `as_regions`.
    """
    if not isinstance(one, Items) or not isinstance(other, Items) or one.has_or == other.has_or:
        return False
    return all(map(_has_inequality, (one, other))) and not (_opposite(one) and _opposite(other))


def _opposite(form: Items) -> bool:
    """Whether it is two half-lines, one to each side."""
    return (
        len(form.items) == 2
        and all(map(_is_unbounded, form.items))
        and ((form.items[0].items[0] == LEAST) != (form.items[1].items[0] == LEAST))
    )


def _has_inequality(form: Items) -> bool:
    return any(isinstance(item, Brackets) and item.variable for item in form.items)


def _is_interval(form: Form) -> bool:
    return isinstance(form, Brackets) and form.opening in ("(", "[") and len(form.items) == 2


def _is_unbounded(form: Form) -> bool:
    return _is_interval(form) and (form.items[0] == LEAST or form.items[1] == GREATEST)


def _common_part(one: Brackets, other: Brackets, order: Order) -> Brackets | None:
    if one.items[0] == LEAST:
        one, other = other, one
    if one.items[1] != GREATEST or other.items[0] != LEAST:
        return None
    low, high = one.items[0], other.items[1]
    if LEAST in (low, high) or GREATEST in (low, high):
        return None
    if not isinstance(low, Leaf) or not isinstance(high, Leaf) or not _less(low, high, order):
        return None
    return Brackets(one.opening, (low, high), other.closing, one.variable)


def _less(left: Leaf, right: Leaf, order: Order) -> bool:
    values = parse_number(left.text), parse_number(right.text)
    if None in values:
        # of letters nobody knows; people write x > a, x < b for what lies between
        return order.less(left.text, right.text) or not order.less(right.text, left.text)
    return values[0] < values[1]
