"""The student as it is asked about steps of traces: any number of questions in one engine call."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cotdistil.engines import Request
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

    cut_off: which of them the token limit ended. prompt_tokens: of one prompt; cached_tokens: of
    all samples' prompts, read from the engine's prefix cache, or None where it does not tell;
    completion_tokens: summed over the samples.
    """

    texts: list[str]
    cut_off: list[bool]
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

    def ask(
        self, shown: Sequence[Shown], *, greedy: bool, backwards: bool = False
    ) -> Iterator[tuple[Shown, Answered]]:
        """What it answers to each, as the answers come; none where a prompt does not fit.

        One call of the engine. Prompts go to it sorted by their tokens, those with a common
        beginning side by side; `backwards` in every other call, so that it meets first what it has
        read last.
        """
        prompts = [
            self._prompt.render(self._tokenizer, each.question, each.thinking) for each in shown
        ]
        room = self._max_context - self._sampling.max_tokens
        order = [index for index, prompt in enumerate(prompts) if len(prompt) <= room]
        if not order:
            return
        order.sort(key=prompts.__getitem__, reverse=backwards)
        samples = 1 if greedy else self._samples
        requests = (
            Request(
                f"{index} {sample}",
                prompts[index],
                validation_seed(self._seed, shown[index].id, sample),
            )
            for index in order
            for sample in range(samples)
        )
        sampling = replace(self._sampling, temperature=0.0) if greedy else self._sampling
        written: dict[int, dict[int, Completion]] = {index: {} for index in order}
        with contextlib.closing(self.engine.stream(requests, sampling)) as stream:
            for request, completion in stream:
                index, sample = map(int, request.split())
                written[index][sample] = completion
                if len(written[index]) == samples:
                    completions = [written[index].pop(n) for n in range(samples)]
                    del written[index]
                    yield shown[index], _answered(len(prompts[index]), completions)
        if written:
            raise RuntimeError(f"the engine left {len(written)} of {len(order)} prompts unanswered")


def _answered(prompt_tokens: int, completions: Sequence[Completion]) -> Answered:
    cached = [each.cached_tokens for each in completions]
    return Answered(
        texts=[each.text for each in completions],
        cut_off=[each.finish_reason == "length" for each in completions],
        prompt_tokens=prompt_tokens,
        cached_tokens=None if None in cached else sum(cached),
        completion_tokens=sum(each.token_count for each in completions),
    )
