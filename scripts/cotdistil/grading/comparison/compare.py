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
from cotdistil.grading.values.quantities import quantities_conflict
from cotdistil.grading.values.units import Quantity, split_unit

INFINITIES = frozenset((r"\infty", r"-\infty"))


MAX_COMPARISONS = 20_000


class TooManyPartsError(ValueError):
    """Two answers with so many parts that comparing them would take long."""


class Oracle(Protocol):
    """What decides where spelling and numbers do not.

    `less` is False also where one of the two cannot be read; it may be of either answer.
    """

    def equal(self, gold: str, answer: str) -> bool: ...

    def same_relation(self, gold: Relation, answer: Relation) -> bool: ...

    def less(self, left: str, right: str) -> bool: ...


@dataclass
class Comparison:
    """One comparison of two answers. `relative_tolerance`: None for exact numbers.

    Raises `TooManyPartsError` after 20,000 parts.
    """

    oracle: Oracle
    relative_tolerance: float | None = None
    comparisons: int = 0

    def forms(self, gold: Form, answer: Form) -> bool:
        self.comparisons += 1
        if self.comparisons > MAX_COMPARISONS:
            raise TooManyPartsError(f"more than {MAX_COMPARISONS} parts to compare")
        if gold == answer:
            return True
        gold, answer = _point(gold, answer), _point(answer, gold)
        gold, answer = _thousands(gold, answer), _thousands(answer, gold)
        if isinstance(gold, Named) or isinstance(answer, Named):
            return self._named(gold, answer)
        if isinstance(gold, Congruence) or isinstance(answer, Congruence):
            return self._congruences(gold, answer)
        if (regions := as_regions(gold, answer, self.oracle)) is not None:
            return self._unordered(*regions)
        if _is_nothing(gold, answer) or _is_nothing(answer, gold):
            return True
        if isinstance(gold, Items) or isinstance(answer, Items):
            gold, answer = _choices(gold, answer), _choices(answer, gold)
            if _are_assignments(gold) != _are_assignments(answer):
                return self._in_order(gold, answer)
            return self._unordered(_members(gold), _members(answer))
        if isinstance(gold, Union) or isinstance(answer, Union):
            return self._unordered(_joined(gold), _joined(answer))
        if isinstance(gold, Matrix) or isinstance(answer, Matrix):
            return self._matrices(gold, answer)
        if isinstance(gold, Brackets) and isinstance(answer, Brackets):
            same_ends = (gold.opening, gold.closing) == (answer.opening, answer.closing)
            if gold.opening == answer.opening == ":":
                return self._ratios(gold, answer)
            return (
                same_ends
                and _same_variable(gold, answer)
                and self._ordered(gold.items, answer.items)
            )
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
        if quantities_conflict(left, right):
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
        waiting, left = [], list(answer)
        for form in gold:
            if form in left:
                left.remove(form)
            else:
                waiting.append(form)
        if self.relative_tolerance is None:
            return all(self._take(form, left) for form in waiting)
        return self._matching(waiting, left)

    def _take(self, form: Form, left: list[Form]) -> bool:
        match = next((index for index, other in enumerate(left) if self.forms(form, other)), None)
        if match is None:
            return False
        del left[match]
        return True

    def _matching(self, gold: list[Form], answer: list[Form]) -> bool:
        """Whether each finds one of its own: with a tolerance, one may be near to several."""
        owners: dict[int, int] = {}

        def place(index: int, tried: set[int]) -> bool:
            for other in range(len(answer)):
                if other not in tried and self.forms(gold[index], answer[other]):
                    tried.add(other)
                    if other not in owners or place(owners[other], tried):
                        owners[other] = index
                        return True
            return False

        return all(place(index, set()) for index in range(len(gold)))

    def _in_order(self, gold: Form, answer: Form) -> bool:
        """`x=1, y=2` and 1, 2: which value is whose must follow from the order."""
        if getattr(gold, "is_set", False) or getattr(answer, "is_set", False):
            return False
        return self._ordered(*(_values(form) for form in (gold, answer)))

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


def _joined(form: Form) -> tuple[Form, ...]:
    return form.parts if isinstance(form, Union) else (form,)


def _point(form: Form, other: Form) -> Form:
    """`x=1, y=2` as the point (1,2), where the other answer is a point."""
    other = other.value if isinstance(other, Named) else other
    if not isinstance(form, Items) or not isinstance(other, Brackets) or other.opening != "(":
        return form
    return Brackets("(", _values(form), ")") if _are_assignments(form) else form


def _thousands(form: Form, other: Form) -> Form:
    """1,234 as one number, where the other answer is one value."""
    if isinstance(form, Items) and form.number and isinstance(other, Leaf):
        return Leaf(form.number)
    return form


def _are_assignments(form: Form) -> bool:
    """Whether it is a list of values for different names."""
    if not isinstance(form, Items) or len(form.items) < 2:
        return False
    if not all(isinstance(item, Named) for item in form.items):
        return False
    return len({without_subscript(item.name) for item in form.items}) == len(form.items)


def _values(form: Form) -> tuple[Form, ...]:
    """The values in the order of x, y, z, where those are their names, else as they are written."""
    items = _members(form)
    if _are_assignments(form) and all(item.name in ("x", "y", "z") for item in items):
        items = tuple(sorted(items, key=lambda item: item.name))
    return tuple(item.value if isinstance(item, Named) else item for item in items)


def _same_variable(one: Form, other: Form) -> bool:
    names = {getattr(form, "variable", "") for form in (one, other)} - {""}
    return len(names) < 2


def _choices(form: Form, other: Form) -> Form:
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
    if _is_time(ratio):
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
