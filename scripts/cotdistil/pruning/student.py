"""The student as validator of its own traces: one engine call judges any number of candidates."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cotdistil.gold_answers import gold_of
from cotdistil.grading.extract import extract_answer
from cotdistil.grading.grader import Grader
from cotdistil.pruning.check_log import Check
from cotdistil.pruning.cutters import Candidate
from cotdistil.pruning.validation import ValidationPrompt, validation_seed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from cotdistil.engines import Completion, Engine, Sampling

# A student asked for its final answer often names it without a box. Its last number is not read:
# the steps are full of numbers, and a repeated one would pass for an answer.
FALLBACK = ("final_answer",)


@dataclass(frozen=True)
class StepsShown:
    """Steps of the trace in row `trace`: what is validated. thinking: their text."""

    trace: int
    candidate: Candidate
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
    """Answers from steps. A context manager; the model is loaded when it is first needed.

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

    @property
    def room(self) -> int | None:
        """Tokens that the engine's prefix cache holds; None where it has none. Loads the model."""
        return self._loaded().cache_tokens

    def check(self, asked: Sequence[StepsShown], call: int) -> list[Check]:
        """A check for each, in order, from one call of the engine; two if some are greedy.

        Prompts go to the engine sorted by their tokens, those with a common beginning side by
        side; backwards in every other call, so that it meets first what it has read last.
        """
        prompts = [self._prompt.render(self.tokenizer, a.question, a.thinking) for a in asked]
        room = self._max_context - self._sampling.max_tokens
        order = [index for index, prompt in enumerate(prompts) if len(prompt) <= room]
        order.sort(key=prompts.__getitem__, reverse=call % 2 == 1)
        completions: dict[int, list[Completion]] = {}
        for greedy in (False, True):
            those = [index for index in order if asked[index].candidate.greedy == greedy]
            completions |= self._generate(asked, prompts, those, greedy)
        return [
            self._judge(each, len(prompts[index]), completions.get(index, []), call)
            for index, each in enumerate(asked)
        ]

    def _loaded(self) -> Engine:
        if self._engine is None:
            self._engine = self._load()
            self._open.callback(self._engine.close)
        return self._engine

    def _generate(
        self, asked: Sequence[StepsShown], prompts: list[list[int]], order: list[int], greedy: bool
    ) -> dict[int, list[Completion]]:
        if not order:
            return {}
        samples = range(1 if greedy else self._agreement.samples)
        seeds = [
            validation_seed(
                self._agreement.seed, asked[index].trace, asked[index].candidate.kept, sample
            )
            for index in order
            for sample in samples
        ]
        repeated = [prompts[index] for index in order for _ in samples]
        sampling = replace(self._sampling, temperature=0.0) if greedy else self._sampling
        completions = self._loaded().generate(repeated, sampling, seeds)
        if len(completions) != len(repeated):
            raise AssertionError(f"{len(repeated)} prompts, {len(completions)} completions")
        count = len(samples)
        return {index: completions[i * count : (i + 1) * count] for i, index in enumerate(order)}

    def _judge(
        self, asked: StepsShown, prompt_tokens: int, completions: list[Completion], call: int
    ) -> Check:
        answers = [self._prompt.answer(completion.text) for completion in completions]
        extracted = [extract_answer(answer, FALLBACK).text for answer in answers]
        right = [self._is_right(asked, answer) for answer in extracted]
        agreed = sum(right) >= self._agreement.needed * len(right)
        cached = [c.cached_tokens for c in completions if c.cached_tokens is not None]
        return Check(
            trace=asked.trace,
            kept=asked.candidate.kept,
            greedy=asked.candidate.greedy,
            valid=agreed if completions else None,
            prompt_tokens=prompt_tokens,
            cached_tokens=sum(cached) if len(cached) == len(completions) else None,
            completion_tokens=sum(completion.token_count for completion in completions),
            answers=answers,
            extracted=extracted,
            right=right,
            call=call if completions else None,
        )

    def _is_right(self, asked: StepsShown, answer: str | None) -> bool:
        verdict = self._grader.grade(gold_of(asked.gold), answer)
        return verdict.correct is True and not (
            verdict.tier == "symbolic" and repeats_question(answer or "", asked.question)
        )


def repeats_question(answer: str, question: str) -> bool:
    """Whether the answer stands in the question but for white space.

    To algebra, "8-14-1-12" is as right an answer to "8-14-1-12" as -19 is. A student that repeats
    it has computed nothing, so that every cut would pass.
    """
    return "".join(answer.split()) in "".join(question.split())
