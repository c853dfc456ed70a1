"""Compare two answers part by part; what needs algebra is asked of an oracle."""

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from cotdistil.grading.comparison.forms import (
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
from cotdistil.grading.comparison.names import VARIABLE, renamed_argument, without_subscript
from cotdistil.grading.comparison.regions import as_regions
from cotdistil.grading.comparison.structure import read_form
from cotdistil.grading.spelling.wording import same_words
from cotdistil.grading.values.numeric import numbers_equal, parse_number
from cotdistil.grading.values.units import Quantity, split_unit, units_conflict

INFINITIES = frozenset((r"\infty", r"-\infty"))


class Oracle(Protocol):
    """What decides where spelling and numbers do not. The gold side comes first."""

    def equal(self, gold: str, answer: str) -> bool: ...

    def same_relation(self, gold: Relation, answer: Relation) -> bool: ...

    def less(self, left: str, right: str) -> bool: ...


@dataclass(frozen=True)
class Comparison:
    """`relative_tolerance`: None for exact numbers."""

    oracle: Oracle
    relative_tolerance: float | None = None

    def forms(self, gold: Form, answer: Form) -> bool:
        if gold == answer:
            return True
        gold, answer = _point(gold, answer), _point(answer, gold)
        if isinstance(gold, Named) or isinstance(answer, Named):
            return self._named(gold, answer)
        if isinstance(gold, Congruence) or isinstance(answer, Congruence):
            return self._congruences(gold, answer)
        if (regions := as_regions(gold, answer, self.oracle)) is not None:
            return self._unordered(*regions)
        if _is_nothing(gold, answer) or _is_nothing(answer, gold):
            return True
        if isinstance(gold, Items) or isinstance(answer, Items):
            gold, answer = _letters(gold, answer), _letters(answer, gold)
            return self._unordered(_members(gold), _members(answer))
        if isinstance(gold, Union) or isinstance(answer, Union):
            return self._unordered(_parts(gold), _parts(answer))
        if isinstance(gold, Matrix) or isinstance(answer, Matrix):
            return self._matrices(gold, answer)
        if isinstance(gold, Brackets) and isinstance(answer, Brackets):
            same_ends = (gold.opening, gold.closing) == (answer.opening, answer.closing)
            if gold.opening == answer.opening == ":":
                return self._ratios(gold, answer)
            return same_ends and self._ordered(gold.items, answer.items)
        if isinstance(gold, Relation) and isinstance(answer, Relation):
            if gold.order != answer.order:
                return False
            turned = gold.order in ("=", "!=") and (gold.left, gold.right) == (
                answer.right,
                answer.left,
            )
            return turned or self.oracle.same_relation(gold, answer)
        if isinstance(gold, Leaf) and isinstance(answer, Leaf):
            return self.leaves(gold.text, answer.text)
        return _quotient(gold, answer) or _quotient(answer, gold)

    def leaves(self, gold: str, answer: str) -> bool:
        if gold == answer:
            return True
        left, right = split_unit(gold), split_unit(answer)
        if units_conflict(left.unit, right.unit):
            return False
        left, right = _without_bare_unit(left, right), _without_bare_unit(right, left)
        if left.value == right.value:
            return True
        numbers = parse_number(left.value), parse_number(right.value)
        if numbers[0] is not None and numbers[1] is not None:
            return numbers_equal(*numbers, self.relative_tolerance)
        if any(_has_words(text) for text in (left.value, right.value)):
            return same_words(left.value, right.value)
        if left.value in INFINITIES or right.value in INFINITIES:
            return False
        return self.oracle.equal(left.value, right.value)

    def _named(self, gold: Form, answer: Form) -> bool:
        if isinstance(gold, Named) and isinstance(answer, Named):
            if gold.name == answer.name or "" in (gold.name, answer.name):
                return self.forms(gold.value, answer.value)
            if _same_but_subscript(gold.name, answer.name):
                return self.forms(gold.value, answer.value)
            renamed = renamed_argument(answer.name, answer.text.partition("=")[2], gold.name)
            if renamed is not None:
                return self.forms(gold.value, read_form(renamed))
        if all(isinstance(form, Named | Relation) for form in (gold, answer)):
            relations = _as_relation(gold, answer), _as_relation(answer, gold)
            return bool(relations[0] and relations[1]) and self.forms(*relations)
        gold = gold.value if isinstance(gold, Named) else gold
        answer = answer.value if isinstance(answer, Named) else answer
        return self.forms(gold, answer)

    def _congruences(self, gold: Form, answer: Form) -> bool:
        if not isinstance(gold, Congruence) or not isinstance(answer, Congruence):
            return False
        if gold.left and answer.left and gold.left != answer.left:
            return False
        moduli = parse_number(gold.modulus), parse_number(answer.modulus)
        residues = parse_number(gold.residue), parse_number(answer.residue)
        if None in moduli or None in residues:
            return (gold.modulus, gold.residue) == (answer.modulus, answer.residue)
        return moduli[0] == moduli[1] != 0 and (residues[0] - residues[1]) % moduli[0] == 0

    def _ratios(self, gold: Brackets, answer: Brackets) -> bool:
        """3:4 is 6:8, but the time 1:20 is not 2:40."""
        if len(gold.items) != len(answer.items):
            return False
        if gold.items == answer.items:
            return True
        if _is_time(gold) and _is_time(answer):
            return self._ordered(gold.items, answer.items)
        if not all(isinstance(item, Leaf) for item in gold.items + answer.items):
            return False
        shares = [
            [_share(item.text, form.items[0].text) for item in form.items[1:]]
            for form in (gold, answer)
        ]
        return all(map(self.leaves, *shares))

    def _ordered(self, gold: tuple[Form, ...], answer: tuple[Form, ...]) -> bool:
        return len(gold) == len(answer) and all(map(self.forms, gold, answer))

    def _unordered(self, gold: tuple[Form, ...], answer: tuple[Form, ...]) -> bool:
        if len(gold) != len(answer):
            return False
        left = list(answer)
        for form in gold:
            match = next((other for other in left if other == form), None)
            if match is None:
                match = next((other for other in left if self.forms(form, other)), None)
            if match is None:
                return False
            left.remove(match)
        return True

    def _matrices(self, gold: Form, answer: Form) -> bool:
        if getattr(gold, "bars", "") != getattr(answer, "bars", ""):
            return False
        rows = _rows(gold, answer), _rows(answer, gold)
        if not rows[0] or not rows[1] or len(rows[0]) != len(rows[1]):
            return False
        return all(map(self._ordered, *rows))


def _without_bare_unit(quantity: Quantity, other: Quantity) -> Quantity:
    """`5\\pi m^{2}` is 5\\pi, where the other answer has the unit m^2."""
    if quantity.unit or not other.unit:
        return quantity
    unit = re.sub(r"\^(-?[0-9])", r"^{\1}", other.unit)
    if len(quantity.value) > len(unit) and quantity.value.endswith(unit):
        return Quantity(quantity.value.removesuffix(unit).rstrip(), other.unit)
    return quantity


def _is_nothing(form: Form, words: Form) -> bool:
    """The empty set, as the solution of what has none."""
    return form == Items((), is_set=True) and (
        isinstance(words, Leaf) and same_words(words.text, r"\text{no~solution}")
    )


def _members(form: Form) -> tuple[Form, ...]:
    if not isinstance(form, Items):
        return (form,)
    return tuple(dict.fromkeys(form.items)) if form.is_set else form.items


def _parts(form: Form) -> tuple[Form, ...]:
    return form.parts if isinstance(form, Union) else (form,)


def _point(form: Form, other: Form) -> Form:
    """`x=1, y=2` as the point (1,2), where the other answer is a point."""
    other = other.value if isinstance(other, Named) else other
    if not isinstance(form, Items) or not isinstance(other, Brackets) or other.opening != "(":
        return form
    if not all(isinstance(item, Named) and VARIABLE.fullmatch(item.name) for item in form.items):
        return form
    named = {item.name: item.value for item in form.items}
    if len(named) != len(form.items) or len(named) < 2:
        return form
    return Brackets("(", tuple(named[name] for name in sorted(named)), ")")


def _letters(form: Form, other: Form) -> Form:
    """`ACF` as the choices A, C, F, where the other answer is a list of choices."""
    if not isinstance(form, Leaf) or not isinstance(other, Items):
        return form
    text = form.text.removeprefix(r"\text{").removesuffix("}")
    choices = all(isinstance(item, Leaf) and len(item.text) == 1 for item in other.items)
    if choices and text.isalpha() and len(text) == len(other.items):
        return Items(tuple(map(Leaf, text.upper())))
    return form


def _rows(form: Form, other: Form) -> tuple[tuple[Form, ...], ...]:
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


def _share(upper: str, lower: str) -> str:
    """The quotient of two terms, as a number where it is one."""
    values = parse_number(upper), parse_number(lower)
    if None in values or values[1] == 0:
        return rf"\frac{{{upper}}}{{{lower}}}"
    quotient = values[0] / values[1]
    return rf"\frac{{{quotient.numerator}}}{{{quotient.denominator}}}"


def _is_time(form: Brackets) -> bool:
    if not all(isinstance(item, Leaf) for item in form.items):
        return False
    figures = [split_unit(item.text).value for item in form.items]
    return all(text.isdigit() for text in figures) and len(figures[-1]) == 2


def _quotient(ratio: Form, other: Form) -> bool:
    """The ratio 3:4 as a fraction."""
    if not isinstance(ratio, Brackets) or ratio.opening != ":" or len(ratio.items) != 2:
        return False
    if not isinstance(other, Leaf) or not all(isinstance(item, Leaf) for item in ratio.items):
        return False
    upper, lower, value = (parse_number(leaf.text) for leaf in (*ratio.items, other))
    return None not in (upper, lower, value) and lower != 0 and Fraction(upper / lower) == value


def _as_relation(form: Form, other: Form) -> Relation | None:
    """`y=2x` as an equation. `x=5` is one beside `x-5=0`, but not beside an unsolved `2x=10`."""
    turned_to_zero = isinstance(other, Relation) and "0" in (other.left, other.right)
    if isinstance(form, Named) and isinstance(form.value, Leaf):
        is_variable = VARIABLE.fullmatch(form.name)
        is_number = parse_number(form.value.text) is not None
        if "(" in form.name or (is_variable and is_number and not turned_to_zero):
            return None
        return Relation(form.name, "=", form.value.text)
    return form if isinstance(form, Relation) else None


def _same_but_subscript(left: str, right: str) -> bool:
    bare = without_subscript(left), without_subscript(right)
    return bare[0] == bare[1] and (left in bare or right in bare)


def _has_words(text: str) -> bool:
    return r"\text" in text.replace(r"\text{degree}", "")
