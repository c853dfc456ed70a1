"""Why an attempt at a chat request brought no answer, and whether another one may."""

from __future__ import annotations

import email.utils
import math
import time
from dataclasses import dataclass

from cotdistil.engines.chat_answer import MalformedResponseError
from cotdistil.engines.endpoint import Endpoint

# Of client errors, these may pass: time-out, conflict, too many requests.
PASSING_CLIENT_ERRORS = (408, 409, 429)


@dataclass(frozen=True)
class Failure:
    """reason: in a user's words. retry_after: seconds that the server asks for.
    status: of the response, if there was one. unreachable: no connection could be made.
    out_of_funds: whoever pays for the key has to pay more before anything is answered.
    refuses_usage: the endpoint knows no `stream_options`, by which token counts are asked for."""

    reason: str
    passing: bool = True
    retry_after: float = 0.0
    status: int | None = None
    unreachable: bool = False
    out_of_funds: bool = False
    refuses_usage: bool = False


def read_failure(error: Exception, endpoint: Endpoint, timeout: float, streamed: bool) -> Failure:
    """What `error`, raised by an attempt with this time-out in seconds, means."""
    import httpx2
    import openai

    if isinstance(error, openai.APIStatusError):
        # OpenAI says so with the status of too many requests.
        out_of_funds = error.status_code == 402 or error.code == "insufficient_quota"
        passing = error.status_code in PASSING_CLIENT_ERRORS or error.status_code >= 500
        return Failure(
            endpoint.without_key(error.message),
            passing=passing and not out_of_funds,
            retry_after=read_retry_after(error.response.headers.get("retry-after")),
            status=error.status_code,
            out_of_funds=out_of_funds,
            refuses_usage=error.status_code in (400, 422)
            and b"stream_options" in error.response.content,
        )
    if isinstance(error, openai.APITimeoutError | TimeoutError):
        unreachable = isinstance(error.__cause__, httpx2.ConnectTimeout)
        what = "no connection" if unreachable else "no text" if streamed else "no answer"
        return Failure(f"{what} within {timeout:g} s", unreachable=unreachable)
    if isinstance(error, openai.APIConnectionError):
        cause = error.__cause__
        detail = endpoint.without_key(f"{type(cause).__name__}: {cause}")
        unreachable = isinstance(cause, httpx2.ConnectError)
        return Failure(f"the connection failed ({detail})", unreachable=unreachable)
    if isinstance(error, openai.APIError):
        return Failure(endpoint.without_key(f"the stream broke off: {error.message}"))
    if isinstance(error, MalformedResponseError):
        return Failure(endpoint.without_key(str(error)))
    # An error response whose text cannot be decoded raises almost anything in the client.
    detail = endpoint.without_key(f"{type(error).__name__}: {error}")
    return Failure(f"the response cannot be read ({detail})")


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
