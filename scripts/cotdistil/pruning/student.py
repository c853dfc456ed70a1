"""The student as validator of its own traces: one engine call judges any number of cuts."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cotdistil.gold_answers import gold_of
from cotdistil.grading.extract import extract_answer
from cotdistil.grading.grader import Grader
from cotdistil.pruning.rounds import Check
from cotdistil.pruning.validation import ValidationPrompt, validation_seed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from cotdistil.engines import Completion, Engine, Sampling

# A student asked for its final answer often names it without a box. Its last number is not read:
# the steps are full of numbers, and a repeated one would pass for an answer.
FALLBACK = ("final_answer",)


@dataclass(frozen=True)
class Cut:
    """The first `steps` steps of the trace in row `trace`: what is validated."""

    trace: int
    steps: int
    question: str
    gold: str
    thinking: str


@dataclass(frozen=True)
class Agreement:
    """`samples` answers are asked for, and at least the share `needed` of them must be right."""

    samples: int
    needed: float
    seed: int


class Student:
    """Answers from cuts. A context manager; the model is loaded when the first cut is asked about.

    load: gives the engine. max_context: tokens of the longest prompt plus answer that it takes.
    """

    def __init__(
        self,
        load: Callable[[], Engine],
        tokenizer: PreTrainedTokenizerBase,
        prompt: ValidationPrompt,
        sampling: Sampling,
        agreement: Agreement,
        max_context: int,
    ):
        self.tokenizer = tokenizer
        self._load = load
        self._prompt = prompt
        self._sampling = sampling
        self._agreement = agreement
        self._max_context = max_context
        self._engine: Engine | None = None
        self._open = contextlib.ExitStack()
        self._grader = self._open.enter_context(Grader())

    def __enter__(self) -> Student:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def check(self, cuts: Sequence[Cut], backwards: bool = False) -> list[Check]:
        """A check per cut, in order, from one engine call.

        Prompts go to the engine sorted by their tokens, those with a common beginning side by
        side; `backwards` in every other round, so that it meets first what it has read last.
        """
        prompts = [self._prompt.render(self.tokenizer, c.question, c.thinking) for c in cuts]
        room = self._max_context - self._sampling.max_tokens
        order = [index for index, prompt in enumerate(prompts) if len(prompt) <= room]
        order.sort(key=prompts.__getitem__, reverse=backwards)
        completions = self._generate(cuts, prompts, order)
        return [
            self._judge(cut, len(prompts[index]), completions.get(index, []))
            for index, cut in enumerate(cuts)
        ]

    def _generate(
        self, cuts: Sequence[Cut], prompts: list[list[int]], order: list[int]
    ) -> dict[int, list[Completion]]:
        if not order:
            return {}
        if self._engine is None:
            self._engine = self._load()
            self._open.callback(self._engine.close)
        samples = range(self._agreement.samples)
        seeds = [
            validation_seed(self._agreement.seed, cuts[index].trace, cuts[index].steps, sample)
            for index in order
            for sample in samples
        ]
        repeated = [prompts[index] for index in order for _ in samples]
        completions = self._engine.generate(repeated, self._sampling, seeds)
        if len(completions) != len(repeated):
            raise AssertionError(f"{len(repeated)} prompts, {len(completions)} completions")
        count = len(samples)
        return {index: completions[i * count : (i + 1) * count] for i, index in enumerate(order)}

    def _judge(self, cut: Cut, prompt_tokens: int, completions: list[Completion]) -> Check:
        answers = [self._prompt.answer(completion.text) for completion in completions]
        extracted = [extract_answer(answer, FALLBACK).text for answer in answers]
        right = [self._is_right(cut, answer) for answer in extracted]
        agreed = sum(right) >= self._agreement.needed * len(right)
        return Check(
            trace=cut.trace,
            steps=cut.steps,
            valid=agreed if completions else None,
            prompt_tokens=prompt_tokens,
            completion_tokens=sum(completion.token_count for completion in completions),
            answers=answers,
            extracted=extracted,
            right=right,
        )

    def _is_right(self, cut: Cut, answer: str | None) -> bool:
        verdict = self._grader.grade(gold_of(cut.gold), answer)
        return verdict.correct is True and not (
            verdict.tier == "symbolic" and repeats_question(answer or "", cut.question)
        )


def repeats_question(answer: str, question: str) -> bool:
    """Whether the answer stands in the question but for white space.

    To algebra, "8-14-1-12" is as right an answer to "8-14-1-12" as -19 is. A student that repeats
    it has computed nothing, so that every cut would pass.
    """
    return "".join(answer.split()) in "".join(question.split())
