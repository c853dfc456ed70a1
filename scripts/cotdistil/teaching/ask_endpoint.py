"""A teacher behind any endpoint that speaks OpenAI's chat-completions protocol.

Answers are streamed: a reasoning model may write for half an hour, and yet one that has fallen
silent is noticed. What breaks is asked again, and in the end listed with its error.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from cotdistil.engines.chat_answer import ChatAnswer
from cotdistil.engines.chat_request import ChatRequest, RetryPolicy
from cotdistil.engines.openai_compatible import OpenAICompatibleClient
from cotdistil.errors import UserError
from cotdistil.job import Job
from cotdistil.prompts import user_message
from cotdistil.teaching.teacher import Answer, Question, Teacher

# A further field of the request must not say again, or otherwise, what these say.
OWN_FIELDS = (
    "model",
    "messages",
    "temperature",
    "top_p",
    "max_tokens",
    "seed",
    "stream_options",
)


def open_teacher(job: Job, texts: Iterable[str], spent: int = 0) -> Teacher:
    """The endpoint that the environment names, as `job` says.

    texts: the questions' texts; unused, since the endpoint knows how long a prompt may be.
    spent: tokens of the answers of this job's earlier runs, which count towards `token_budget`.
    job.params: model, instruction (text below each question, or None), system (text of a system
    message, or None), temperature (above 0, each question's seed is sent too), top_p, max_tokens,
    and extra_body (further fields of each request, sent as they are; `stream: false` among them is
    for endpoints that cannot stream).
    job.settings: base_url_env and api_key_env (names of environment variables), concurrency
    (requests under way at most), timeout_seconds (until a request that brings no text is sent
    again), token_budget (prompt and completion tokens of all answers, or None).
    Raises `UserError` if the environment names no endpoint, and see `check_extra_body`.
    """
    check_extra_body(job.params["extra_body"])
    settings = job.settings
    client = OpenAICompatibleClient(
        settings["base_url_env"],
        settings["api_key_env"],
        concurrency=settings["concurrency"],
        retries=RetryPolicy(timeout=settings["timeout_seconds"]),
    )
    return EndpointTeacher(client, job.params, settings["token_budget"], spent)


def check_extra_body(extra_body: dict) -> None:
    """Raise `UserError` for a field that has a key of its own, or that asks for several answers."""
    for name in OWN_FIELDS:
        if name in extra_body:
            raise UserError(
                f"extra_body: found '{name}', which the workflow itself sends; expected further"
                " fields of the request, such as top_k; remove it"
            )
    if extra_body.get("n", 1) != 1:
        raise UserError(
            f"extra_body: found 'n: {extra_body['n']}', which asks for several answers at once;"
            " expected one answer a request; remove it, and ask for more samples per problem"
        )


class EndpointTeacher:
    """A teacher over `client`; see `open_teacher` for the rest."""

    def __init__(
        self, client: OpenAICompatibleClient, params: dict, token_budget: int | None, spent: int
    ):
        self._client = client
        self._params = params
        self._budget = _Budget(token_budget, spent)
        self._answers: Iterator[ChatAnswer] | None = None

    def answers(self, questions: Iterator[Question]) -> Iterator[Answer]:
        """See `Teacher.answers`; a question that fails for good is yielded with its error.

        Raises `UserError` if the endpoint as a whole fails (see `OpenAICompatibleClient.answers`),
        and for a token budget that is spent, or that cannot be kept because the endpoint counts no
        tokens. For a budget's sake no further question is sent, but those that are under way are
        still answered before it is raised.
        """
        requests = _Requests(map(self._request, questions), self._budget)
        # While the caller syncs an answer to disk, the next question is on its way. A request that
        # is read ahead is sent whatever comes of the others, which is more than a budget allows.
        read_ahead = self._client.concurrency // 8 if self._budget.limit is None else 0
        with contextlib.closing(self._client.answers(requests, read_ahead)) as self._answers:
            for answer in self._answers:
                self._budget.take(answer)
                yield Answer(
                    id=answer.id,
                    text=answer.text,
                    thinking=answer.reasoning or None,
                    finish_reason=answer.finish_reason or "unknown",
                    prompt_tokens=answer.prompt_tokens,
                    completion_tokens=answer.completion_tokens,
                    error=answer.error,
                )
        self._budget.check(questions_left=requests.held_back)

    def close(self) -> None:
        """End the connections; what is under way is given up."""
        if self._answers is not None:
            self._answers.close()

    def _request(self, question: Question) -> ChatRequest:
        params = self._params
        text = user_message(question.text, params["instruction"])
        messages = [{"role": "user", "content": text}]
        if params["system"] is not None:
            messages.insert(0, {"role": "system", "content": params["system"]})
        body = {
            "model": params["model"],
            "messages": messages,
            "temperature": params["temperature"],
            "top_p": params["top_p"],
            "max_tokens": params["max_tokens"],
            **params["extra_body"],
        }
        if "max_completion_tokens" in body:  # what some endpoints take in its place
            del body["max_tokens"]
        if params["temperature"] > 0:
            body["seed"] = question.seed
        return ChatRequest(question.id, body, stream=body.get("stream", True))


class _Budget:
    """Tokens that may be spent (None: any number), and those that answers have cost so far.

    What a broken attempt cost is not among them, for no endpoint says it.
    """

    def __init__(self, limit: int | None, spent: int):
        self.limit = limit
        self.spent = spent
        self.uncounted = False

    def take(self, answer: ChatAnswer) -> None:
        counts = (answer.prompt_tokens, answer.completion_tokens)
        if answer.error is None and None in counts:
            self.uncounted = True
        self.spent += sum(count or 0 for count in counts)

    def allows_more(self) -> bool:
        return self.limit is None or (self.spent < self.limit and not self.uncounted)

    def check(self, questions_left: bool) -> None:
        """Raise `UserError` if the budget left questions unasked, or could not be kept."""
        if self.limit is not None and self.uncounted:
            raise UserError(
                f"token_budget: found {self.limit:,}, but the endpoint does not say how many tokens"
                " its answers took, so that no budget can be kept; remove token_budget and run"
                " again: it goes on where it stopped"
            )
        if questions_left:
            raise UserError(
                f"token_budget: {self.spent:,} of {self.limit:,} tokens are spent and questions are"
                " left; raise token_budget and run again: it goes on where it stopped"
            )


class _Requests:
    """The requests, as long as the budget allows more.

    It is no generator, since one that has run out never has more.
    held_back: whether there was a request that the budget did not allow.
    """

    def __init__(self, requests: Iterator[ChatRequest], budget: _Budget):
        self._requests = requests
        self._budget = budget
        self.held_back = False

    def __iter__(self) -> _Requests:
        return self

    def __next__(self) -> ChatRequest:
        if not self.held_back:
            request = next(self._requests)
            if self._budget.allows_more():
                return request
            self.held_back = True
        raise StopIteration
