"""Is an answer right? Cheap tiers first; algebra last, in a worker process."""

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from cotdistil.grading.algebra.expression import UnreadableError, rewrite_expression
from cotdistil.grading.algebra.workers import GOLD_UNREADABLE, MEMORY, WorkerPool
from cotdistil.grading.comparison.compare import Comparison
from cotdistil.grading.comparison.forms import Leaf, Relation, leaves_of
from cotdistil.grading.comparison.structure import read_form
from cotdistil.grading.spelling.normalise import MAX_CHARS, normalise
from cotdistil.grading.values.choice import choice_letter, choice_with_text
from cotdistil.grading.values.numeric import is_unfinished, numbers_equal, parse_number
from cotdistil.grading.values.quantities import quantities_conflict
from cotdistil.grading.values.units import split_unit

Gold = str | int | float | list
Item = TypeVar("Item")

MAX_WAITING = 4096  # verdicts that wait for an earlier one to come out of a worker
REMEMBERED = 5_000  # outcomes of algebra: samples of one problem often share their answer


@dataclass(frozen=True)
class Verdict:
    """`correct` is None only when the gold answer cannot be read.

    `tier` is what decided: "exact", "numeric", "structure", "symbolic", or "none" for a missing
    answer. `error` says what kept it from being certain: "timeout", "memory", "error: ...", or that
    the answer is too long; an answer that nothing shows to be right in time is not correct.
    """

    correct: bool | None
    tier: str
    error: str | None = None


class _Undecided(Exception):
    """The comparison needs algebra."""


class _UnreadableGold(Exception):
    pass


class _Readable:
    """The oracle of this process: knows what is unreadable, leaves the rest to a worker."""

    def equal(self, gold: str, answer: str) -> bool:
        return self._ask([gold], [answer])

    def same_relation(self, gold: Relation, answer: Relation) -> bool:
        return self._ask([gold.left, gold.right], [answer.left, answer.right])

    def less(self, left: str, right: str) -> bool:
        return self._ask([], [left, right])

    def _ask(self, gold: list[str], answer: list[str]) -> bool:
        variables: dict[str, str] = {}
        try:
            for text in gold:
                rewrite_expression(text, variables)
        except UnreadableError as error:
            raise _UnreadableGold(f"{GOLD_UNREADABLE}: {error}") from error
        try:
            for text in answer:
                rewrite_expression(text, variables)
        except UnreadableError:
            return False
        raise _Undecided


class Grader:
    """Compare answers with gold answers; a context manager that ends its worker processes.

    `timeout`: seconds for one symbolic comparison. `workers`: processes at most; none is started
    before a comparison needs algebra. `relative_tolerance`: for numbers; None compares exactly.
    `algebra`: whether an answer that only algebra shows to be equal is right. Where the question is
    to compute a value it is not, nor is a quotient or a power that stands for a simpler number: a
    student that echoes `3 + 4` or `84/12` has computed nothing. `memory`: bytes
    that a worker may take beyond its start.
    """

    def __init__(
        self,
        timeout: float = 2.0,
        workers: int = 1,
        relative_tolerance: float | None = None,
        algebra: bool = True,
        memory: int = MEMORY,
    ):
        if not 0 < timeout < math.inf or workers < 1:
            raise ValueError(
                f"timeout is {timeout} and workers is {workers}; expected more than 0 s and at "
                "least 1"
            )
        self.relative_tolerance = relative_tolerance
        self.workers = workers
        self.algebra = algebra
        self._pool = WorkerPool(workers, timeout, memory)
        self._remembered: dict[_Pair, Verdict] = {}

    def __enter__(self) -> "Grader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers. A later comparison starts them again."""
        self._pool.close()

    def grade(self, gold: Gold, answer: str | None) -> Verdict:
        """One verdict; a list of gold answers holds alternatives, any of which is right."""
        found = self._without_algebra(gold, answer)
        return found if isinstance(found, Verdict) else self._with_algebra(found)

    def grade_all(self, pairs: Iterable[tuple[Gold, str | None]]) -> list[Verdict]:
        """A verdict for each (gold, answer), in their order."""
        return [verdict for _, verdict in self.grade_each(pairs, lambda pair: pair)]

    def grade_each(
        self, items: Iterable[Item], pair: Callable[[Item], tuple[Gold, str | None]]
    ) -> Iterator[tuple[Item, Verdict]]:
        """Each item with the verdict on its (gold, answer), in their order.

        Items are read as they are needed: while the workers are at one that needs algebra, up to
        4,096 behind it are graded.
        """
        waiting: deque[tuple[Item, Verdict | Future[Verdict]]] = deque()
        threads = ThreadPoolExecutor(self.workers)
        try:
            for item in items:
                found = self._without_algebra(*pair(item))
                if not isinstance(found, Verdict):
                    found = threads.submit(self._with_algebra, found)
                elif not waiting:
                    yield item, found
                    continue
                waiting.append((item, found))
                while waiting and (_is_done(waiting[0][1]) or len(waiting) > MAX_WAITING):
                    yield waiting[0][0], _result(waiting.popleft()[1])
            while waiting:
                yield waiting[0][0], _result(waiting.popleft()[1])
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            if waiting:
                self.close()
            threads.shutdown()

    def _without_algebra(self, gold: Gold, answer: str | None) -> "Verdict | list[Verdict | _Pair]":
        """The verdict, or one for each gold answer where some need algebra and none is right."""
        if isinstance(gold, (list, tuple)):
            found = []
            for alternative in gold:
                one = self._without_algebra(alternative, answer)
                found.extend(one if isinstance(one, list) else [one])
                if isinstance(found[-1], Verdict) and found[-1].correct:
                    return found[-1]
            if not found:
                return Verdict(None, "none", "the list of gold answers is empty")
            return found if any(isinstance(one, _Pair) for one in found) else _any_right(found)
        gold_text = _gold_text(gold)
        if gold_text is None:
            return Verdict(None, "none", "the gold answer is empty or no finite number")
        if answer is None or not answer.strip():
            return Verdict(False, "none")
        try:
            found = self._cheap_tiers(gold_text, answer)
        except Exception as error:  # whatever a model wrote, the run goes on
            what = f"error: {type(error).__name__}: {str(error)[:200]}"
            found = Verdict(False, "structure", what)
        return found if isinstance(found, Verdict) else [found]

    def _cheap_tiers(self, gold: str, answer: str) -> "Verdict | _Pair":
        if gold == answer.strip():
            return Verdict(True, "exact")
        left, right = normalise(gold), normalise(answer)
        if left == right:
            return Verdict(True, "exact")
        if len(left) > MAX_CHARS or len(right) > MAX_CHARS:
            return Verdict(False, "exact", f"more than {MAX_CHARS} characters are not read")
        if not self.algebra and _leaves_more_to_compute(right, left):
            return Verdict(False, "numeric")
        numeric = self._numeric(left, right)
        if numeric is not None:
            return Verdict(numeric, "numeric")
        letters = choice_letter(left), choice_letter(right)
        if any(letters):
            letters = letters[0] or choice_with_text(gold), letters[1] or choice_with_text(answer)
            if all(letters):
                return Verdict(letters[0] == letters[1], "structure")
        return self._structured(left, right)

    def _numeric(self, left: str, right: str) -> bool | None:
        gold, answer = split_unit(left), split_unit(right)
        numbers = parse_number(gold.value), parse_number(answer.value)
        if numbers[0] is None or numbers[1] is None:
            return None
        if quantities_conflict(gold, answer):
            return False
        return numbers_equal(*numbers, self.relative_tolerance)

    def _structured(self, left: str, right: str) -> "Verdict | _Pair":
        gold, answer = read_form(left), read_form(right)
        plain = isinstance(gold, Leaf) and isinstance(answer, Leaf)
        try:
            equal = Comparison(_Readable(), self.relative_tolerance).forms(gold, answer)
            return Verdict(equal, "exact" if plain and not equal else "structure")
        except _UnreadableGold as error:
            return Verdict(None, "symbolic", str(error))
        except _Undecided:
            return _Pair(left, right) if self.algebra else Verdict(False, "symbolic")

    def _with_algebra(self, found: "list[Verdict | _Pair]") -> Verdict:
        verdicts = []
        for one in found:
            verdicts.append(one if isinstance(one, Verdict) else self._ask_worker(one))
            if verdicts[-1].correct:
                break
        return _any_right(verdicts)

    def _ask_worker(self, pair: "_Pair") -> Verdict:
        if pair in self._remembered:
            return self._remembered[pair]
        outcome = self._pool.compare(pair.gold, pair.answer, self.relative_tolerance)
        unknown_gold = (outcome.error or "").startswith(GOLD_UNREADABLE)
        correct = outcome.equal if unknown_gold else bool(outcome.equal)
        verdict = Verdict(correct, "symbolic", outcome.error)
        if unknown_gold or outcome.error is None:  # else another try may end otherwise
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            self._remembered[pair] = verdict
        return verdict


@dataclass(frozen=True)
class _Pair:
    """Normalised answers that only algebra can compare."""

    gold: str
    answer: str


def _leaves_more_to_compute(answer: str, gold: str) -> bool:
    two_ratios = ":" in answer and ":" in gold
    return not two_ratios and _has_more_to_compute(answer) and not _has_more_to_compute(gold)


def _has_more_to_compute(text: str) -> bool:
    """Whether a part of an answer stands for a simpler number, as 84/12 does."""
    form = read_form(text)
    values = [text] if ":" in text else [leaf.text for leaf in leaves_of(form)]
    return any(
        value.startswith(number := split_unit(value).value) and is_unfinished(number)
        for value in values
    )


def _any_right(verdicts: list[Verdict]) -> Verdict:
    """Right if any is; without a verdict if one of the gold answers cannot be read."""
    for wanted in (True, None):
        for verdict in verdicts:
            if verdict.correct is wanted:
                return verdict
    return verdicts[-1]


def _is_done(verdict: "Verdict | Future[Verdict]") -> bool:
    return isinstance(verdict, Verdict) or verdict.done()


def _result(verdict: "Verdict | Future[Verdict]") -> Verdict:
    return verdict if isinstance(verdict, Verdict) else verdict.result()


def _gold_text(gold: object) -> str | None:
    if isinstance(gold, float):
        if not math.isfinite(gold):
            return None
        return str(int(gold)) if gold.is_integer() else repr(gold)
    if isinstance(gold, int) and not isinstance(gold, bool):
        return str(gold)
    return (gold.strip() or None) if isinstance(gold, str) else None
