"""An engine whose answers a test writes, where what a model would say must be known."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from cotdistil.engines import Completion, Sampling


class ScriptedEngine:
    """See `cotdistil.engines.Engine`. `calls` holds the prompts' texts of each call.

    answer: from a prompt's text to what is written. dies_in: the number, from 0, of the call in
    which the job is killed.
    """

    dtype = "float32"
    cache_tokens = None

    def __init__(self, tokenizer, answer: Callable[[str], str], dies_in: int | None = None):
        self.tokenizer = tokenizer
        self.max_context = 10**9
        self.answer = answer
        self.dies_in = dies_in
        self.calls: list[list[str]] = []
        self.seeds: list[list[int]] = []
        self.temperatures: list[float] = []
        self.closed = False

    def generate(
        self,
        prompts: Sequence[list[int]],
        sampling: Sampling,
        seeds: Sequence[int],
        on_done: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        if len(self.calls) == self.dies_in:
            raise KeyboardInterrupt
        self.calls.append([self.tokenizer.decode(prompt) for prompt in prompts])
        self.seeds.append(list(seeds))
        self.temperatures.append(sampling.temperature)
        texts = [self.answer(prompt) for prompt in self.calls[-1]]
        return [Completion(text, len(text) + 1, "stop") for text in texts]

    def close(self) -> None:
        self.closed = True
