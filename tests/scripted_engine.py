"""An engine whose answers a test writes, where what a model would say must be known."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from cotdistil.engines import Completion, Request, Sampling


class ScriptedEngine:
    """See `cotdistil.engines.Engine`. `calls` holds the prompts' texts of each call.

    answer: from a prompt's text to what is written. dies_in: the number, from 0, of the call in
    which the job is killed, behind `dies_behind` answers of it. Answers have this `finish_reason`.
    """

    dtype = "float32"
    cache_tokens = None

    def __init__(
        self,
        tokenizer,
        answer: Callable[[str], str],
        dies_in: int | None = None,
        dies_behind: int = 0,
    ):
        self.tokenizer = tokenizer
        self.max_context = 10**9
        self.answer = answer
        self.dies_in = dies_in
        self.dies_behind = dies_behind
        self.calls: list[list[str]] = []
        self.seeds: list[list[int]] = []
        self.temperatures: list[float] = []
        self.finish_reason = "stop"
        self.closed = False

    def stream(
        self, requests: Iterator[Request], sampling: Sampling, keep_special_tokens: bool = False
    ) -> Iterator[tuple[str, Completion]]:
        dies = len(self.calls) == self.dies_in
        self.calls.append([])
        self.seeds.append([])
        self.temperatures.append(sampling.temperature)
        for request in requests:
            if dies and len(self.calls[-1]) == self.dies_behind:
                raise KeyboardInterrupt
            prompt = self.tokenizer.decode(request.prompt)
            self.calls[-1].append(prompt)
            self.seeds[-1].append(request.seed)
            text = self.answer(prompt)
            yield request.id, Completion(text, len(text) + 1, self.finish_reason)

    def close(self) -> None:
        self.closed = True
