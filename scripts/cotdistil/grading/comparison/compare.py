"""Compare two answers part by part; what needs algebra is asked of an oracle."""

from dataclasses import dataclass
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
from cotdistil.grading.comparison.mutual import (
    are_assignments,
    as_choices,
    as_number,
    as_point,
    as_relation,
    has_words,
    is_nothing,
    is_quotient,
    is_time,
    joined,
    members,
    rows_of,
    same_but_subscript,
    same_variable,
    share,
    values_in_order,
    without_bare_unit,
)
from cotdistil.grading.comparison.names import renamed_argument
from cotdistil.grading.comparison.regions import as_regions, differ_in_or
from cotdistil.grading.comparison.structure import read_form
from cotdistil.grading.spelling.wording import same_words
from cotdistil.grading.values.numeric import numbers_equal, parse_number
from cotdistil.grading.values.quantities import quantities_conflict
from cotdistil.grading.values.units import split_unit

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
        if differ_in_or(gold, answer):
            return False
        if gold == answer:
            return True
        gold, answer = as_point(gold, answer), as_point(answer, gold)
        gold, answer = as_number(gold, answer), as_number(answer, gold)
        if isinstance(gold, Named) or isinstance(answer, Named):
            return self._named(gold, answer)
        if isinstance(gold, Congruence) or isinstance(answer, Congruence):
            return self._congruences(gold, answer)
        if (regions := as_regions(gold, answer, self.oracle)) is not None:
            return self._unordered(*regions)
        if is_nothing(gold, answer) or is_nothing(answer, gold):
            return True
        if isinstance(gold, Items) or isinstance(answer, Items):
            gold, answer = as_choices(gold, answer), as_choices(answer, gold)
            if are_assignments(gold) != are_assignments(answer):
                return self._in_order(gold, answer)
            return self._unordered(members(gold), members(answer))
        if isinstance(gold, Union) or isinstance(answer, Union):
            return self._unordered(joined(gold), joined(answer))
        if isinstance(gold, Matrix) or isinstance(answer, Matrix):
            return self._matrices(gold, answer)
        if isinstance(gold, Brackets) and isinstance(answer, Brackets):
            same_ends = (gold.opening, gold.closing) == (answer.opening, answer.closing)
            if gold.opening == answer.opening == ":":
                return self._ratios(gold, answer)
            return (
                same_ends
                and same_variable(gold, answer)
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
        return is_quotient(gold, answer) or is_quotient(answer, gold)

    def leaves(self, gold: str, answer: str) -> bool:
        if gold == answer:
            return True
        left, right = split_unit(gold), split_unit(answer)
        if quantities_conflict(left, right):
            return False
        left, right = without_bare_unit(left, right), without_bare_unit(right, left)
        if left.value == right.value:
            return True
        numbers = parse_number(left.value), parse_number(right.value)
        if numbers[0] is not None and numbers[1] is not None:
            return numbers_equal(*numbers, self.relative_tolerance)
        if any(has_words(text) for text in (left.value, right.value)):
            return same_words(left.value, right.value)
        if left.value in INFINITIES or right.value in INFINITIES:
            return False
        return self.oracle.equal(left.value, right.value)

    def _named(self, gold: Form, answer: Form) -> bool:
        if isinstance(gold, Named) and isinstance(answer, Named):
            if gold.name == answer.name or "" in (gold.name, answer.name):
                return self.forms(gold.value, answer.value)
            if same_but_subscript(gold.name, answer.name):
                return self.forms(gold.value, answer.value)
            renamed = renamed_argument(answer.name, answer.text.partition("=")[2], gold.name)
            if renamed is not None:
                return self.forms(gold.value, read_form(renamed))
        if all(isinstance(form, Named | Relation) for form in (gold, answer)):
            relations = as_relation(gold, answer), as_relation(answer, gold)
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
        if is_time(gold) and is_time(answer):
            return self._ordered(gold.items, answer.items)
        if not all(isinstance(item, Leaf) for item in gold.items + answer.items):
            return False
        shares = [
            [share(item.text, form.items[0].text) for item in form.items[1:]]
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
        return self._ordered(*(values_in_order(form) for form in (gold, answer)))

    def _matrices(self, gold: Form, answer: Form) -> bool:
        if getattr(gold, "bars", "") != getattr(answer, "bars", ""):
            return False
        rows = rows_of(gold, answer), rows_of(answer, gold)
        if not rows[0] or not rows[1] or len(rows[0]) != len(rows[1]):
            return False
        return all(map(self._ordered, *rows))
