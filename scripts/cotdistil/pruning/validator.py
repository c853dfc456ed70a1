"""Verdicts on candidates, from what the student answers or has answered before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from cotdistil.pruning.answer_grader import AnswerGrader
from cotdistil.pruning.rounds import Check
from cotdistil.pruning.student import Answered, Shown, Student
from cotdistil.pruning.validation import ValidationPrompt, read_answer
from cotdistil.teaching.answer_log import AnswerArchive, AnswerLog

ROUNDING = 1e-9  # of the share that must be right


class Validator:
    """Asks the student about what `log` and `others` do not know, and writes it into `log` at once.

    needed: the share of a candidate's answers that must be right. others: logs of jobs that asked
    in the same way; what is taken from them stands in `log` too. Verdicts are not kept: another
    gold answer, another share or a better grader asks the student nothing again. `calls`: of the
    engine, those of earlier runs included.
    """

    def __init__(
        self,
        student: Student,
        prompt: ValidationPrompt,
        needed: float,
        grader: AnswerGrader,
        log: AnswerLog,
        others: AnswerArchive,
    ):
        self._student = student
        self._prompt = prompt
        self._needed = needed
        self._grader = grader
        self._log = log
        self._others = others
        calls = (row["call"] for row in log.rows() if row["call"] is not None)
        self.calls = max(calls, default=-1) + 1

    def check(self, shown: Sequence[Shown]) -> list[Check]:
        """A check for each, in order, with one call of the student, or two.

        Two if some are asked greedily and others are not.
        """
        self._others.read_on()
        new = {each.id: each for each in shown if not self._knows(each.id)}
        for greedy in (False, True):
            asked = [each for each in new.values() if each.candidate.greedy == greedy]
            if not asked:
                continue
            answers = self._student.ask(asked, greedy=greedy, backwards=self.calls % 2 == 1)
            came = False
            for each, answered in answers:
                self._log.append({"id": each.id, **asdict(answered), "call": self.calls})
                came = True
            self.calls += came
        return [self.known(each) or _not_asked(each) for each in shown]

    def known(self, shown: Shown) -> Check | None:
        """The check of what was answered before, or None."""
        return self._judge(shown, self._log.row(shown.id)) if self._knows(shown.id) else None

    def _knows(self, id_: str) -> bool:
        if id_ not in self._log and id_ in self._others:
            self._log.append({**self._others.row(id_), "call": None})
        return id_ in self._log

    def _judge(self, shown: Shown, row: dict) -> Check:
        answered = Answered(**{name: row[name] for name in Answered.__dataclass_fields__})
        answers = [self._prompt.answer(text) for text in answered.texts]
        extracted = [read_answer(answer) for answer in answers]
        right = [self._grader.is_right(shown.gold, each, shown.question) for each in extracted]
        return Check(
            kept=shown.candidate.kept,
            greedy=shown.candidate.greedy,
            valid=any(right) and sum(right) >= self._needed * len(right) - ROUNDING,
            call=row["call"],
            prompt_tokens=answered.prompt_tokens,
            cached_tokens=answered.cached_tokens,
            completion_tokens=answered.completion_tokens,
            answers=answers,
            cut_off=answered.cut_off,
            extracted=extracted,
            right=right,
        )


def _not_asked(shown: Shown) -> Check:
    """Of what is longer than the student's context."""
    return Check(shown.candidate.kept, shown.candidate.greedy, None)
