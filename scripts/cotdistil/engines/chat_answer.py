"""What an endpoint answered to a chat request, read from one response or joined from a stream."""

from __future__ import annotations

import json
from dataclasses import dataclass


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


class MalformedResponseError(Exception):
    """The response is no chat completion, or not a whole one."""


def read_answer(request_id: str, content: bytes) -> ChatAnswer:
    """Read a response's body. Raises `MalformedResponseError` if it is no chat completion."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        raise MalformedResponseError("the response is not valid JSON") from None
    choice = _first_choice(body)
    message = choice.get("message")
    text = message.get("content") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(text, str | None):
        raise MalformedResponseError(f"the response holds no choice with a text{_said(body)}")
    return _answer(
        request_id, text or "", _reasoning(message), choice.get("finish_reason"), body.get("usage")
    )


class StreamedAnswer:
    """A chat completion that comes in chunks, each the JSON of one server-sent event."""

    def __init__(self, request_id: str):
        self._id = request_id
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._finish_reason: str | None = None
        self._usage: object = None

    def add(self, chunk: object) -> bool:
        """Take the next chunk; whether it brought text or reasoning.

        Raises `MalformedResponseError` if it is no chunk of a chat completion.
        """
        # vLLM words some of its errors so; the others have a key `error`.
        if not isinstance(chunk, dict) or chunk.get("object") == "error":
            raise MalformedResponseError(f"the stream holds no chat completion{_said(chunk)}")
        self._usage = chunk.get("usage") or self._usage
        choice = _first_choice(chunk)
        delta = choice.get("delta")
        delta = delta if isinstance(delta, dict) else {}
        text, reasoning = delta.get("content"), _reasoning(delta)
        if not isinstance(text, str | None):
            raise MalformedResponseError("the stream holds a chunk whose content is no text")
        if text:
            self._text.append(text)
        if reasoning:
            self._reasoning.append(reasoning)
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        return bool(text or reasoning)

    def whole(self) -> ChatAnswer:
        """All chunks joined. Raises `MalformedResponseError` if none said why the text ends."""
        if self._finish_reason is None:
            raise MalformedResponseError("the stream ended without a finish reason")
        reasoning = "".join(self._reasoning) or None
        return _answer(self._id, "".join(self._text), reasoning, self._finish_reason, self._usage)


def _answer(
    request_id: str, text: str, reasoning: str | None, finish_reason: object, usage: object
) -> ChatAnswer:
    return ChatAnswer(
        id=request_id,
        text=_writable(text),
        reasoning=_writable(reasoning) if reasoning is not None else None,
        finish_reason=_writable(finish_reason) if isinstance(finish_reason, str) else None,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
    )


def _first_choice(body: object) -> dict:
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) else {}


def _reasoning(message: dict) -> str | None:
    """DeepSeek and SGLang name it one way, vLLM and OpenRouter the other; some send both."""
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    return reasoning if isinstance(reasoning, str) else None


def _said(body: object) -> str:
    """What an error object says, behind a colon, or nothing."""
    said = body.get("error") or body.get("message") if isinstance(body, dict) else None
    said = said.get("message") if isinstance(said, dict) else said
    return f": {said}" if isinstance(said, str) else ""


def _writable(text: str) -> str:
    """`text` with a question mark for each half of a surrogate pair, which no file can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _count(usage: object, name: str) -> int | None:
    found = usage.get(name) if isinstance(usage, dict) else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None
