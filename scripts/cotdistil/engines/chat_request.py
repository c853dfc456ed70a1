"""One chat request: sent, sent again where that can help, until it is answered or has failed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cotdistil.engines.chat_answer import (
    ChatAnswer,
    MalformedResponseError,
    StreamedAnswer,
    read_answer,
)
from cotdistil.engines.chat_failure import Failure, read_failure
from cotdistil.engines.endpoint import Endpoint
from cotdistil.errors import UserError

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI


@dataclass(frozen=True)
class ChatRequest:
    """id: the caller's name for it, in the answer again. body: the JSON to post, with `model` and
    `messages`, and with `temperature`, `max_tokens` or what else the endpoint understands.
    stream: have the answer sent piece by piece, so that one that takes long is told from one that
    never comes; `body` then says nothing of streams."""

    id: str
    body: dict
    stream: bool = False


@dataclass(frozen=True)
class RetryPolicy:
    """When a request is sent again.

    attempts: at most, the first one included. timeout: seconds until an attempt is given up; where
    the answer is streamed, until one is given up that brings no more text or reasoning, whatever
    else it sends.
    first_wait: seconds before the second attempt; each wait is twice the one before, but at most
    longest_wait, and each is cut by a random part of up to a half. A server may ask in its
    Retry-After header for a longer wait, up to longest_retry_after; beyond, the request fails.
    """

    attempts: int = 6
    timeout: float = 600.0
    first_wait: float = 1.0
    longest_wait: float = 60.0
    longest_retry_after: float = 600.0

    def wait(self, attempt: int, retry_after: float) -> float:
        """Seconds between attempt number `attempt`, from 1, and the next."""
        backoff = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        # Requests that were refused together do not come back together.
        return max(
            backoff * random.uniform(0.5, 1), retry_after + self.first_wait * random.random()
        )


class RequestSender:
    """Sends requests over `connections`; see `RetryPolicy` for when again."""

    def __init__(self, connections: AsyncOpenAI, endpoint: Endpoint, retries: RetryPolicy):
        self.connections = connections
        self.endpoint = endpoint
        self.retries = retries
        self._usage_is_refused = False
        self._has_answered = False
        self._last_response = -math.inf

    async def send(self, request: ChatRequest) -> ChatAnswer:
        """The answer, or what the last attempt failed of.

        Raises `UserError` for what would fail every request: see `_check_endpoint`.
        """
        begin = time.monotonic()
        attempt = 1
        while True:
            asks_for_usage = request.stream and not self._usage_is_refused
            outcome = await self._attempt(request, asks_for_usage)
            if isinstance(outcome, ChatAnswer):
                self._has_answered = True
                return outcome
            too_long = outcome.retry_after > self.retries.longest_retry_after
            if not outcome.passing or attempt == self.retries.attempts or too_long:
                self._check_endpoint(outcome, begin)
                return ChatAnswer(request.id, error=_describe(outcome, attempt, too_long))
            await asyncio.sleep(self.retries.wait(attempt, outcome.retry_after))
            attempt += 1

    async def _attempt(self, request: ChatRequest, asks_for_usage: bool) -> ChatAnswer | Failure:
        import httpx2

        body = dict(request.body)
        if request.stream:
            body["stream"] = True
        if asks_for_usage:
            body["stream_options"] = {"include_usage": True}
        # Escaped: half of a surrogate pair, which has no UTF-8, can still be sent.
        content = json.dumps(body).encode("ascii")
        try:
            # The client's own time-out is for each read: a byte now and then would go on for ever.
            async with asyncio.timeout(self.retries.timeout) as limit:
                response = await self.connections.post(
                    "/chat/completions",
                    cast_to=httpx2.Response,
                    content=content,
                    stream=request.stream,
                )
                self._last_response = time.monotonic()
                if request.stream:
                    return await self._read_stream(request.id, response, limit)
            return read_answer(request.id, response.content)
        except Exception as error:
            failure = read_failure(error, self.endpoint, self.retries.timeout, request.stream)
        if failure.status is not None:
            self._last_response = time.monotonic()
        if not (failure.refuses_usage and asks_for_usage):
            return failure
        outcome = await self._attempt(request, asks_for_usage=False)
        self._usage_is_refused |= isinstance(outcome, ChatAnswer)
        return outcome

    async def _read_stream(
        self, request_id: str, response: httpx2.Response, limit: asyncio.Timeout
    ) -> ChatAnswer:
        """Read server-sent events, or one completion, which some endpoints send in their place.

        Each piece of text moves `limit`; comments and empty chunks do not.
        """
        from openai import AsyncStream

        async with contextlib.aclosing(response):
            if "json" in response.headers.get("content-type", ""):
                return read_answer(request_id, await response.aread())
            answer = StreamedAnswer(request_id)
            stream = AsyncStream(cast_to=object, response=response, client=self.connections)
            clock = asyncio.get_running_loop().time
            try:
                async for chunk in stream:
                    if answer.add(chunk):
                        limit.reschedule(clock() + self.retries.timeout)
                        self._last_response = time.monotonic()
            except (ValueError, RecursionError):
                raise MalformedResponseError("the stream holds invalid JSON") from None
            return answer.whole()

    def _check_endpoint(self, failure: Failure, begin: float) -> None:
        """Raise `UserError` if the failure is the endpoint's, not the request's.

        So it is when no connection could be made and nothing was heard since `begin`, when the key
        is refused or has nothing left to pay with, or when access or the model is refused before
        anything was answered.
        """
        endpoint = self.endpoint
        if failure.unreachable and self._last_response < begin:
            raise UserError(
                f"{endpoint.base_url}: {failure.reason} in {self.retries.attempts} attempts;"
                f" expected an endpoint that runs there; start it, or correct"
                f" {endpoint.base_url_variable}"
            )
        if failure.out_of_funds:
            raise UserError(
                f"{endpoint.base_url} answers no more ({failure.reason}); expected a key with money"
                " or quota left; top it up, or set another one, and run again: it goes on where it"
                " stopped"
            )
        # Of one request, some endpoints say by 403 that its content is refused, by 404 that nobody
        # serves it just now.
        if failure.status in (403, 404) and self._has_answered:
            return
        if failure.status in (401, 403):
            key = "the key that it holds" if endpoint.key else "no key, for it is not set"
            raise UserError(
                f"{endpoint.base_url} refuses access ({failure.reason}); expected a valid key in"
                f" the environment variable {endpoint.key_variable}, found {key}; set a valid one"
            )
        if failure.status == 404:
            raise UserError(
                f"{endpoint.base_url} does not know what it is asked for ({failure.reason});"
                " expected a model that is served there, and a base URL that most often ends in"
                f" /v1; correct the model's name or {endpoint.base_url_variable}"
            )


def _describe(failure: Failure, attempt: int, too_long: bool) -> str:
    reason = failure.reason
    if too_long:
        reason += f"; the server asks to wait {failure.retry_after:.0f} s"
    return reason if attempt == 1 else f"{reason}; gave up after {attempt} attempts"
