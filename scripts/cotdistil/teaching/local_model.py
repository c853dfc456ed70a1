"""A teacher that an engine runs on this machine."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING

from cotdistil.engines import Completion, Engine, Request, Sampling, count_positions
from cotdistil.job import Job
from cotdistil.prompts import render_prompt
from cotdistil.teaching.teacher import Answer, Question

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


class LocalTeacher:
    """The model of `job.parent("model")`, asked with its own chat template.

    job.params: precision, instruction (text below each question, or None), system (text of a system
    message, or None), temperature, top_p, max_tokens.
    job.settings: gpu_memory_share, if it is said; see `cotdistil.engines.load_engine`.
    texts: of all questions that may be asked; they say how long a prompt gets.
    load: an engine's function, called when there is a first question to answer, so that a job that
    has all its answers loads nothing.
    """

    def __init__(self, job: Job, texts: Iterable[str], load: Callable[..., Engine]):
        params = job.params
        self._job = job
        self._texts = texts
        self._load = load
        self._sampling = Sampling(params["max_tokens"], params["temperature"], params["top_p"])
        self._stream: Generator[tuple[str, Completion], None, None] | None = None
        self._open = contextlib.ExitStack()

    def answers(self, questions: Iterator[Question]) -> Iterator[Answer]:
        """See `Teacher.answers`.

        The text has its special tokens, all but the one that ends it: some models mark by them
        where their thinking ends. A question whose prompt leaves less room than max_tokens is
        yielded with an error, before the next answer.
        """
        requests = _Requests(map(self._request, questions))
        while True:
            has_one = requests.has_one()
            refused = requests.take_refused()
            yield from refused
            if has_one:
                yield from self._write(requests)
            elif not refused:
                return

    def close(self) -> None:
        """Give memory and devices back; what is under way is given up."""
        if self._stream is not None:
            self._stream.close()
        self._open.close()

    def _request(self, question: Question) -> Request | Answer:
        """What is to be asked, or the answer that it cannot be."""
        prompt, max_tokens = self._render(question.text), self._sampling.max_tokens
        needed = len(prompt) + max_tokens
        if needed <= self._max_context:
            return Request(question.id, prompt, question.seed)
        error = (
            f"the prompt has {len(prompt)} tokens; with max_tokens {max_tokens} that is {needed},"
            f" and the model has {self._max_context} positions"
        )
        return Answer(question.id, error=error)

    def _write(self, requests: _Requests) -> Iterator[Answer]:
        """The answers to what is asked, until there is nothing more for now."""
        stream = self._engine.stream(requests, self._sampling, keep_special_tokens=True)
        with contextlib.closing(stream) as self._stream:
            for question_id, completion in stream:
                yield from requests.take_refused()
                yield Answer(
                    question_id,
                    completion.text,
                    finish_reason=completion.finish_reason,
                    prompt_tokens=requests.prompt_tokens.pop(question_id),
                    completion_tokens=completion.token_count,
                )

    def _render(self, text: str) -> list[int]:
        params = self._job.params
        return render_prompt(self._tokenizer, text, params["instruction"], params["system"])

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        from transformers import AutoTokenizer

        return AutoTokenizer.from_pretrained(self._job.parent("model"))

    @cached_property
    def _max_context(self) -> int:
        """Tokens of the longest prompt and its answer, but no more than the model has positions."""
        longest = max(len(self._render(text)) for text in self._texts)
        needed = longest + self._sampling.max_tokens
        positions = count_positions(self._job.parent("model"))
        return needed if positions is None else min(positions, needed)

    @cached_property
    def _engine(self) -> Engine:
        job = self._job
        engine = self._load(
            job.parent("model"),
            precision=job.params["precision"],
            max_context=self._max_context,
            threads=job.threads,
            gpus=job.gpus,
            gpu_memory_share=job.settings.get("gpu_memory_share"),
        )
        self._open.callback(engine.close)
        return engine


class _Requests:
    """What an engine is to be asked. It is no generator, since one that ran out never has more.

    prompt_tokens: of the requests that are under way, by id.
    """

    def __init__(self, requests: Iterator[Request | Answer]):
        self._requests = requests
        self._next: Request | None = None
        self._refused: list[Answer] = []
        self.prompt_tokens: dict[str, int] = {}

    def __iter__(self) -> _Requests:
        return self

    def __next__(self) -> Request:
        if not self.has_one():
            raise StopIteration
        request, self._next = self._next, None
        self.prompt_tokens[request.id] = len(request.prompt)
        return request

    def has_one(self) -> bool:
        """Whether there is a request for now."""
        while self._next is None and (request := next(self._requests, None)):
            if isinstance(request, Request):
                self._next = request
            else:
                self._refused.append(request)
        return self._next is not None

    def take_refused(self) -> list[Answer]:
        """The answers to what could not be asked since the last call."""
        refused, self._refused = self._refused, []
        return refused
