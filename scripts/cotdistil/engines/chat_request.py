"""One chat request: sent, sent again where that can help, and its answer or failure read."""

from __future__ import annotations

import asyncio
import email.utils
import json
import math
import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cotdistil.errors import UserError

if TYPE_CHECKING:
    from openai import AsyncOpenAI

ERROR_CHARS = 300
# Of client errors, these may pass: time-out, conflict, too many requests.
PASSING_CLIENT_ERRORS = (408, 409, 429)


@dataclass(frozen=True)
class ChatRequest:
    """id: the caller's name for it, in the answer again. body: the JSON to post, with `model` and
    `messages`, and with `temperature`, `max_tokens` or what else the endpoint understands."""

    id: str
    body: dict


@dataclass(frozen=True)
class ChatAnswer:
    """What came of one request.

    text: of the message, "" if it is empty. reasoning: the thinking, where the endpoint sends it
    apart, else None. finish_reason: "stop", "length", or what the endpoint says.
    prompt_tokens, completion_tokens: as the endpoint counts them, None where it does not say.
    error: why there is no answer, and then the other fields are None; else None.
    """

    id: str
    text: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class RetryPolicy:
    """When a request is sent again.

    attempts: at most, the first one included. timeout: seconds until an attempt is given up.
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


@dataclass(frozen=True)
class Endpoint:
    """Where requests go, and the names of the environment variables that say so."""

    base_url: str
    key: str = field(repr=False)
    base_url_variable: str
    key_variable: str

    def without_key(self, text: str) -> str:
        """`text` in one short line, without the key, which some servers repeat."""
        text = " ".join(text.split())
        if self.key:
            text = text.replace(self.key, f"[{self.key_variable}]")
        return text if len(text) <= ERROR_CHARS else text[:ERROR_CHARS] + "…"


@dataclass(frozen=True)
class _Failure:
    """reason: in a user's words. retry_after: seconds that the server asks for.
    status: of the response, if there was one. unreachable: no connection could be made."""

    reason: str
    passing: bool = True
    retry_after: float = 0.0
    status: int | None = None
    unreachable: bool = False


class _MalformedResponseError(Exception):
    """The response is no chat completion."""


class RequestSender:
    """Sends requests over `connections`; see `RetryPolicy` for when again."""

    def __init__(self, connections: AsyncOpenAI, endpoint: Endpoint, retries: RetryPolicy):
        self.connections = connections
        self.endpoint = endpoint
        self.retries = retries
        self._has_answered = False
        self._last_response = -math.inf

    async def send(self, request: ChatRequest) -> ChatAnswer:
        """The answer, or what the last attempt failed of.

        Raises `UserError` for what would fail every request: see `_check_endpoint`.
        """
        begin = time.monotonic()
        attempt = 1
        while True:
            outcome = await self._attempt(request)
            if isinstance(outcome, ChatAnswer):
                self._has_answered = True
                return outcome
            too_long = outcome.retry_after > self.retries.longest_retry_after
            if not outcome.passing or attempt == self.retries.attempts or too_long:
                self._check_endpoint(outcome, begin)
                return ChatAnswer(request.id, error=_describe(outcome, attempt, too_long))
            await asyncio.sleep(self.retries.wait(attempt, outcome.retry_after))
            attempt += 1

    async def _attempt(self, request: ChatRequest) -> ChatAnswer | _Failure:
        import httpx2
        import openai

        # Escaped: half of a surrogate pair, which has no UTF-8, can still be sent.
        content = json.dumps(request.body).encode("ascii")
        try:
            # The client's own time-out is for each read: a byte now and then would go on for ever.
            async with asyncio.timeout(self.retries.timeout):
                response = await self.connections.post(
                    "/chat/completions", cast_to=httpx2.Response, content=content
                )
            self._last_response = time.monotonic()
            return read_answer(request.id, response.content)
        except openai.APIStatusError as error:
            self._last_response = time.monotonic()
            return _Failure(
                self.endpoint.without_key(error.message),
                passing=error.status_code in PASSING_CLIENT_ERRORS or error.status_code >= 500,
                retry_after=read_retry_after(error.response.headers.get("retry-after")),
                status=error.status_code,
            )
        except (openai.APITimeoutError, TimeoutError) as error:
            unreachable = isinstance(error.__cause__, httpx2.ConnectTimeout)
            what = "no connection" if unreachable else "no answer"
            reason = f"{what} within {self.retries.timeout:g} s"
            return _Failure(reason, unreachable=unreachable)
        except openai.APIConnectionError as error:
            cause = error.__cause__
            detail = self.endpoint.without_key(f"{type(cause).__name__}: {cause}")
            reason = f"the connection failed ({detail})"
            return _Failure(reason, unreachable=isinstance(cause, httpx2.ConnectError))
        except _MalformedResponseError as error:
            return _Failure(self.endpoint.without_key(str(error)))
        # An error response whose text cannot be decoded raises almost anything in the client.
        except Exception as error:
            detail = self.endpoint.without_key(f"{type(error).__name__}: {error}")
            return _Failure(f"the response cannot be read ({detail})")

    def _check_endpoint(self, failure: _Failure, begin: float) -> None:
        """Raise `UserError` if the failure is the endpoint's, not the request's.

        So it is when no connection could be made and nothing was heard since `begin`, or when the
        key or the model is refused before anything was answered.
        """
        endpoint = self.endpoint
        if failure.unreachable and self._last_response < begin:
            raise UserError(
                f"{endpoint.base_url}: {failure.reason} in {self.retries.attempts} attempts;"
                f" expected an endpoint that runs there; start it, or correct"
                f" {endpoint.base_url_variable}"
            )
        if self._has_answered:
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


def read_answer(request_id: str, content: bytes) -> ChatAnswer:
    """Read a response's body. Raises `_MalformedResponseError` if it is no chat completion."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise _MalformedResponseError("the response is not valid JSON") from None
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    message = choice.get("message") if isinstance(choice, dict) else None
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(text, str | None):
        said = body.get("error") if isinstance(body, dict) else None
        said = said.get("message") if isinstance(said, dict) else said
        what = f": {said}" if isinstance(said, str) else ""
        raise _MalformedResponseError(f"the response holds no choice with a text{what}")
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    finish_reason = choice.get("finish_reason")
    usage = body.get("usage")
    return ChatAnswer(
        id=request_id,
        text=_writable(text or ""),
        reasoning=_writable(reasoning) if isinstance(reasoning, str) else None,
        finish_reason=finish_reason if isinstance(finish_reason, str) else None,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def read_retry_after(header: str | None) -> float:
    """Seconds that a Retry-After header asks for, from a number or a date; 0 without one."""
    try:
        seconds = float(header or 0)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, OverflowError):
            return 0.0
    return max(0.0, seconds) if not math.isnan(seconds) else 0.0


def _describe(failure: _Failure, attempt: int, too_long: bool) -> str:
    reason = failure.reason
    if too_long:
        reason += f"; the server asks to wait {failure.retry_after:.0f} s"
    return reason if attempt == 1 else f"{reason}; gave up after {attempt} attempts"


def _writable(text: str) -> str:
    """`text` with a question mark for each half of a surrogate pair, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _count(usage: object, name: str) -> int | None:
    found = usage.get(name) if isinstance(usage, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None
