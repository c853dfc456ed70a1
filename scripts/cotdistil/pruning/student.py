"""The student as it is asked about steps of traces: any number of questions in one engine call."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cotdistil.pruning.cutters import Candidate
from cotdistil.pruning.validation import ValidationPrompt, validation_seed

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from cotdistil.engines import Completion, Engine, Sampling
    from cotdistil.pruning.rounds import Asked
    from cotdistil.pruning.traces import Trace


@dataclass(frozen=True)
class Shown:
    """Steps of a trace, as the student is shown them. thinking: their text."""

    candidate: Candidate
    question: str
    gold: str
    thinking: str

    @property
    def id(self) -> str:
        """The name of the answer: it is about these texts, in whatever training set they stand."""
        text = f"{len(self.question)}:{self.question}{self.thinking}"
        name = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
        return f"{name}#{int(self.candidate.greedy)}"


def show(traces: Sequence[Trace], asked: Asked) -> Shown:
    """What the student is shown where the search in one of `traces` asks."""
    index, candidate = asked
    trace = traces[index]
    thinking = trace.thinking(candidate.kept)
    return Shown(candidate, trace.row["question"], trace.row["gold"], thinking)


@dataclass(frozen=True)
class Answered:
    """What the student wrote, one text per sample, as it came from the engine.

    prompt_tokens: of one prompt; cached_tokens: of all samples' prompts, read from the engine's
    prefix cache, or None where it does not tell; completion_tokens: summed over the samples.
    """

    texts: list[str]
    prompt_tokens: int
    cached_tokens: int | None
    completion_tokens: int


class Student:
    """A context manager; the model is loaded when it is first needed.

    load: gives the engine. max_context: tokens of the longest prompt plus answer that it takes.
    samples: how many answers are asked for, but one where it is asked greedily.
    """

    def __init__(
        self,
        load: Callable[[], Engine],
        tokenizer: PreTrainedTokenizerBase,
        prompt: ValidationPrompt,
        sampling: Sampling,
        samples: int,
        seed: int,
        max_context: int,
    ):
        self._load = load
        self._tokenizer = tokenizer
        self._prompt = prompt
        self._sampling = sampling
        self._samples = samples
        self._seed = seed
        self._max_context = max_context
        self._engine: Engine | None = None
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Student:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def engine(self) -> Engine:
        """The model, loaded."""
        if self._engine is None:
            self._engine = self._load()
            self._open.callback(self._engine.close)
        return self._engine

    def ask(self, shown: Sequence[Shown], *, backwards: bool = False) -> list[Answered | None]:
        """What it answers to each, in order; None where the prompt does not fit its context.

        One call of the engine, or two if some are asked greedily and others are not. Prompts go to
        it sorted by their tokens, those with a common beginning side by side; `backwards` in every
        other call, so that it meets first what it has read last.
        """
        prompts = [
            self._prompt.render(self._tokenizer, each.question, each.thinking) for each in shown
        ]
        room = self._max_context - self._sampling.max_tokens
        order = [index for index, prompt in enumerate(prompts) if len(prompt) <= room]
        order.sort(key=prompts.__getitem__, reverse=backwards)
        answered: dict[int, Answered] = {}
        for greedy in (False, True):
            those = [index for index in order if shown[index].candidate.greedy == greedy]
            answered |= self._generate(shown, prompts, those, greedy)
        return [answered.get(index) for index in range(len(shown))]

    def _generate(
        self, shown: Sequence[Shown], prompts: list[list[int]], order: list[int], greedy: bool
    ) -> dict[int, Answered]:
        if not order:
            return {}
        samples = range(1 if greedy else self._samples)
        seeds = [
            validation_seed(self._seed, shown[index].id, sample)
            for index in order
            for sample in samples
        ]
        repeated = [prompts[index] for index in order for _ in samples]
        sampling = replace(self._sampling, temperature=0.0) if greedy else self._sampling
        completions = self.engine.generate(repeated, sampling, seeds)
        if len(completions) != len(repeated):
            raise AssertionError(f"{len(repeated)} prompts, {len(completions)} completions")
        count = len(samples)
        return {
            index: _answered(len(prompts[index]), completions[i * count : (i + 1) * count])
            for i, index in enumerate(order)
        }


def _answered(prompt_tokens: int, completions: Sequence[Completion]) -> Answered:
    cached = [each.cached_tokens for each in completions]
    return Answered(
        texts=[each.text for each in completions],
        prompt_tokens=prompt_tokens,
        cached_tokens=None if None in cached else sum(cached),
        completion_tokens=sum(each.token_count for each in completions),
    )
