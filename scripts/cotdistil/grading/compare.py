"""Compare two answers part by part; what needs algebra is asked of an oracle."""

from dataclasses import dataclass
from typing import Protocol

from cotdistil.grading.numeric import numbers_equal, parse_number
from cotdistil.grading.structure import (
    Brackets,
    Form,
    Items,
    Leaf,
    Matrix,
    Named,
    Relation,
    Union,
)
from cotdistil.grading.units import split_unit, units_conflict

INFINITIES = frozenset((r"\infty", r"-\infty"))


class Oracle(Protocol):
    """What decides where spelling and numbers do not. The gold side comes first."""

    def equal(self, gold: str, answer: str) -> bool: ...

    def same_relation(self, gold: Relation, answer: Relation) -> bool: ...


@dataclass(frozen=True)
class Comparison:
    """`relative_tolerance`: None for exact numbers."""

    oracle: Oracle
    relative_tolerance: float | None = None

    def forms(self, gold: Form, answer: Form) -> bool:
        if isinstance(gold, Named) or isinstance(answer, Named):
            return self._named(gold, answer)
        if isinstance(gold, Items) or isinstance(answer, Items):
            return self._unordered(_members(gold), _members(answer))
        if isinstance(gold, Union) or isinstance(answer, Union):
            return self._unordered(_parts(gold), _parts(answer))
        if isinstance(gold, Matrix) or isinstance(answer, Matrix):
            return self._matrices(gold, answer)
        if isinstance(gold, Brackets) and isinstance(answer, Brackets):
            same_ends = (gold.opening, gold.closing) == (answer.opening, answer.closing)
            return same_ends and self._ordered(gold.items, answer.items)
        if isinstance(gold, Relation) and isinstance(answer, Relation):
            return gold == answer or (
                gold.order == answer.order and self.oracle.same_relation(gold, answer)
            )
        if isinstance(gold, Leaf) and isinstance(answer, Leaf):
            return self.leaves(gold.text, answer.text)
        return False

    def leaves(self, gold: str, answer: str) -> bool:
        if gold == answer:
            return True
        left, right = split_unit(gold), split_unit(answer)
        if units_conflict(left.unit, right.unit):
            return False
        if left.value == right.value:
            return True
        numbers = parse_number(left.value), parse_number(right.value)
        if numbers[0] is not None and numbers[1] is not None:
            return numbers_equal(*numbers, self.relative_tolerance)
        if r"\text" in left.value or r"\text" in right.value:
            return _letters(left.value) == _letters(right.value)
        if left.value in INFINITIES or right.value in INFINITIES:
            return False
        return self.oracle.equal(left.value, right.value)

    def _named(self, gold: Form, answer: Form) -> bool:
        if isinstance(gold, Named) and isinstance(answer, Named):
            if gold.name == answer.name:
                return self.forms(gold.value, answer.value)
            relations = _as_relation(gold), _as_relation(answer)
            return bool(relations[0] and relations[1]) and self.forms(*relations)
        if isinstance(answer, Relation) or isinstance(gold, Relation):
            relations = _as_relation(gold), _as_relation(answer)
            return bool(relations[0] and relations[1]) and self.forms(*relations)
        gold = gold.value if isinstance(gold, Named) else gold
        answer = answer.value if isinstance(answer, Named) else answer
        return self.forms(gold, answer)

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
        rows = [_rows(gold), _rows(answer)]
        if not rows[0] or not rows[1] or len(rows[0]) != len(rows[1]):
            return False
        return all(map(self._ordered, *rows))


def _members(form: Form) -> tuple[Form, ...]:
    return form.items if isinstance(form, Items) else (form,)


def _parts(form: Form) -> tuple[Form, ...]:
    return form.parts if isinstance(form, Union) else (form,)


def _rows(form: Form) -> tuple[tuple[Form, ...], ...]:
    """A tuple in round brackets stands for a column vector."""
    if isinstance(form, Matrix):
        return form.rows
    if isinstance(form, Brackets) and (form.opening, form.closing) == ("(", ")"):
        return tuple((item,) for item in form.items)
    return ()


def _as_relation(form: Form) -> Relation | None:
    if isinstance(form, Named) and isinstance(form.value, Leaf):
        if parse_number(form.value.text) is not None or "(" in form.name:
            return None
        return Relation(form.name, "=", form.value.text)
    return form if isinstance(form, Relation) else None


def _letters(text: str) -> str:
    return text.replace(r"\text{", "").replace("}", "").replace("~", "").lower()
