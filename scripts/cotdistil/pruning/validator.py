"""Verdicts on candidates, from what the student answers or has answered before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from cotdistil.gold_answers import gold_of
from cotdistil.grading.extract import extract_answer
from cotdistil.grading.grader import Grader
from cotdistil.pruning.rounds import Check
from cotdistil.pruning.student import Answered, Shown, Student
from cotdistil.pruning.validation import ValidationPrompt
from cotdistil.teaching.answer_log import AnswerArchive, AnswerLog

# A student asked for its final answer often names it without a box. Its last number is not read:
# the steps are full of numbers, and a repeated one would pass for an answer.
FALLBACK = ("final_answer",)


class Validator:
    """Asks the student about what `log` and `others` do not know, and writes it into `log` at once.

    needed: the share of a candidate's answers that must be right. others: logs of jobs that asked
    in the same way. Verdicts are not kept: another gold answer, another share or a better grader
    asks the student nothing again. `calls`: of the engine, those of earlier runs included.
    """

    def __init__(
        self,
        student: Student,
        prompt: ValidationPrompt,
        needed: float,
        grader: Grader,
        log: AnswerLog,
        others: AnswerArchive,
    ):
        self._student = student
        self._prompt = prompt
        self._needed = needed
        self._grader = grader
        self._log = log
        self._others = others
        self.calls = max((row["call"] for row in log.rows()), default=-1) + 1

    def check(self, shown: Sequence[Shown]) -> list[Check]:
        """A check for each, in order, with at most one call of the student."""
        known = {each.id: answered for each in shown if (answered := self._find(each.id))}
        new = list({each.id: each for each in shown if each.id not in known}.values())
        if new:
            answers = self._student.ask(new, backwards=self.calls % 2 == 1)
            for each, answered in zip(new, answers, strict=True):
                if answered is not None:
                    self._log.append({"id": each.id, **asdict(answered), "call": self.calls})
                    known[each.id] = answered
            self.calls += any(answered is not None for answered in answers)
        return [self._judge(each, known.get(each.id)) for each in shown]

    def known(self, shown: Shown) -> Check | None:
        """The check of what was answered before, or None."""
        answered = self._find(shown.id)
        return None if answered is None else self._judge(shown, answered)

    def _find(self, id_: str) -> Answered | None:
        if id_ in self._log:
            row = self._log.row(id_)
        elif id_ in self._others:
            row = self._others.row(id_)
        else:
            return None
        return Answered(**{name: row[name] for name in Answered.__dataclass_fields__})

    def _judge(self, shown: Shown, answered: Answered | None) -> Check:
        candidate = shown.candidate
        if answered is None:
            return Check(candidate.kept, candidate.greedy, None)
        answers = [self._prompt.answer(text) for text in answered.texts]
        extracted = [extract_answer(answer, FALLBACK).text for answer in answers]
        right = [self._is_right(shown, answer) for answer in extracted]
        return Check(
            kept=candidate.kept,
            greedy=candidate.greedy,
            valid=sum(right) >= self._needed * len(right),
            prompt_tokens=answered.prompt_tokens,
            cached_tokens=answered.cached_tokens,
            completion_tokens=answered.completion_tokens,
            answers=answers,
            extracted=extracted,
            right=right,
        )

    def _is_right(self, shown: Shown, answer: str | None) -> bool:
        verdict = self._grader.grade(gold_of(shown.gold), answer)
        return verdict.correct is True and not (
            verdict.tier == "symbolic" and repeats_question(answer or "", shown.question)
        )


def repeats_question(answer: str, question: str) -> bool:
    """Whether the answer stands in the question but for white space.

    To algebra, "8-14-1-12" is as right an answer to "8-14-1-12" as -19 is. A student that repeats
    it has computed nothing, so that every cut would pass.
    """
    return "".join(answer.split()) in "".join(question.split())
