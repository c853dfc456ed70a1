"""Whether an answer in a trace, or a student's, is the gold answer, and was come to."""

from __future__ import annotations

import functools
import re

from cotdistil.gold_answers import gold_of
from cotdistil.grading.grader import Grader
from cotdistil.grading.spelling.normalise import normalise
from cotdistil.grading.values.numeric import is_unfinished, parse_number
from cotdistil.grading.values.units import split_unit

_FORMULA = re.compile(r"\$\$?(.+?)\$|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)


class AnswerGrader:
    """Stricter than the grader of scores: an answer in which nothing was computed is not right.

    To algebra, "8-14-1-12" is as right an answer to "8-14-1-12" as -19 is. If it counted, a student
    that repeats the question would validate every cut. So where the gold answer is a plain number,
    an answer that still has to be computed (`84/12`, `2^{10}`, `3 + 4`) is wrong; where it is none,
    an answer that only algebra shows to be right is wrong if it is a formula of the question.

    A context manager that ends the grader's processes. workers: of them, at most.
    """

    def __init__(self, workers: int = 1):
        self._algebra = Grader(workers=workers)
        self._computed = Grader(algebra=False)

    def __enter__(self) -> AnswerGrader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the processes. A later comparison starts them again."""
        self._algebra.close()

    def is_right(self, gold: str, answer: str | None, question: str) -> bool:
        """gold: as it stands in a training set; answer: what was extracted, or None."""
        wanted = gold_of(gold)
        alternatives = [wanted] if isinstance(wanted, str) else wanted
        if all(map(_is_number, alternatives)):
            return self._computed.grade(wanted, answer).correct is True
        verdict = self._algebra.grade(wanted, answer)
        if verdict.tier == "symbolic" and verdict.correct:
            return not _repeats(answer or "", question, max(map(len, alternatives)))
        return verdict.correct is True

    def can_read(self, gold: str) -> bool:
        """Whether any answer can be compared with this gold answer."""
        return self._algebra.grade(gold_of(gold), "0").correct is not None


@functools.lru_cache(1024)  # asked about each step of a trace
def _is_number(gold: str) -> bool:
    value = split_unit(normalise(gold)).value
    return parse_number(value) is not None and not is_unfinished(value)


def _repeats(answer: str, question: str, gold_length: int) -> bool:
    """Whether the answer is a formula of the question, or stands in it and is longer than the gold.

    A part of a formula may well be the answer: "xy" to a question about "xy and z".
    """
    formulas = ("".join(found) for found in _FORMULA.findall(question))
    if normalise(answer) in map(normalise, formulas):
        return True
    bare = "".join(answer.split()).strip("$")
    return len(bare) > gold_length and bare in "".join(question.split())
