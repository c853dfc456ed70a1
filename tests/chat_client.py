"""A client of the stand-in endpoint, and many questions to it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import pytest

from chat_server import ChatServer
from cotdistil.engines.chat_answer import ChatAnswer
from cotdistil.engines.chat_request import ChatRequest, RetryPolicy
from cotdistil.engines.openai_compatible import OpenAICompatibleClient

QUICK = RetryPolicy(attempts=4, timeout=20, first_wait=0.01, longest_wait=0.05)
IMPATIENT = replace(QUICK, timeout=0.5)


def client_of(
    server: ChatServer, retries: RetryPolicy = QUICK, concurrency: int = 8
) -> OpenAICompatibleClient:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", server.url)
        return OpenAICompatibleClient(concurrency=concurrency, retries=retries)


def chat(name: str, stream: bool = False) -> ChatRequest:
    body = {"model": "m", "messages": [{"role": "user", "content": name}]}
    return ChatRequest(name, body, stream)


def ask(
    client: OpenAICompatibleClient, names: Iterable[str], stream: bool = False
) -> dict[str, ChatAnswer]:
    """The answers by id, none of them twice."""
    answers = list(client.answers(chat(name, stream) for name in names))
    by_id = {answer.id: answer for answer in answers}
    assert len(by_id) == len(answers)
    return by_id
