"""Answers that come as a stream: joined, and asked for again where the stream breaks."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from chat_client import IMPATIENT, QUICK, ask, chat, client_of
from chat_server import (
    STREAM_CUT,
    STREAM_ERROR,
    STREAM_HALF_JSON,
    STREAM_OF_COMMENTS,
    STREAM_OF_NOTHING,
    STREAM_OTHER_ERROR,
    STREAM_STALL,
    STREAM_WITHOUT_END,
    STREAM_WITHOUT_END_BUT_DONE,
    ChatServer,
    Fault,
    chunk,
    event,
    refusal,
)
from cotdistil.engines.chat_answer import ChatAnswer
from cotdistil.engines.chat_request import ChatRequest
from cotdistil.engines.openai_compatible import OpenAICompatibleClient

SILENT = (STREAM_STALL, STREAM_OF_COMMENTS, STREAM_OF_NOTHING)
DONE = "data: [DONE]\n\n"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-key")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def ask_one(server: ChatServer, name: str = "a") -> ChatAnswer:
    return ask(client_of(server), [name], stream=True)[name]


def test_a_stream_is_asked_for_with_its_token_counts() -> None:
    with ChatServer(str) as server:
        ask_one(server)
    asked = {"model": "m", "stream": True, "stream_options": {"include_usage": True}}
    assert server.received[0].body == asked


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (STREAM_CUT, "the connection failed (RemoteProtocolError: "),
        (STREAM_STALL, "no text within 0.5 s"),
        (STREAM_OF_COMMENTS, "no text within 0.5 s"),
        (STREAM_OF_NOTHING, "no text within 0.5 s"),
        (STREAM_WITHOUT_END, "the stream ended without a finish reason"),
        (STREAM_WITHOUT_END_BUT_DONE, "the stream ended without a finish reason"),
        (STREAM_HALF_JSON, "the stream holds invalid JSON"),
        (STREAM_ERROR, "the stream broke off: out of memory"),
        (STREAM_OTHER_ERROR, "the stream holds no chat completion: preempted"),
        (Fault(events=(event(["a list"]),)), "the stream holds no chat completion"),
        (Fault(events=("data: " + "[" * 10**5 + "\n\n", DONE)), "holds invalid JSON"),
        (Fault(events=(chunk(content=["parts"]), DONE)), "a chunk whose content is no text"),
        (Fault(body="<html>", headers={"Content-Type": "text/html"}), "without a finish reason"),
    ],
)
def test_a_broken_stream_is_retried_and_where_it_breaks_each_time_listed_beside_the_others(
    fault: Fault, reason: str
) -> None:
    names = [f"r{i}" for i in range(10)]
    retries = IMPATIENT if fault in SILENT else QUICK
    with ChatServer(str.upper, {"r3": [fault] * 2, "r7": [fault] * 9}) as server:
        answers = ask(client_of(server, retries), names, stream=True)
        assert sorted(server.prompts()) == sorted([*names, *["r3"] * 2, *["r7"] * 3])
    failed = answers.pop("r7")
    assert reason in failed.error
    assert failed.error.endswith("; gave up after 4 attempts")
    assert failed == ChatAnswer("r7", error=failed.error)
    expected = {n: ChatAnswer(n, n.upper(), None, "stop", 7, 2) for n in names if n != "r7"}
    assert answers == expected


def test_an_answer_may_take_longer_than_the_time_out_as_long_as_text_comes() -> None:
    slow = Fault(events=(*[chunk(content="x")] * 25, chunk("stop"), DONE), pause=0.1)
    with ChatServer(str, {"a": [slow]}) as server:
        client = client_of(server, replace(QUICK, timeout=1.5, attempts=1))
        began = time.monotonic()
        assert ask(client, ["a"], stream=True)["a"].text == "x" * 25
    assert time.monotonic() - began > 2


def test_comments_between_the_pieces_are_no_text() -> None:
    comments = [": PROCESSING\n\n"] * 3
    events = (*comments, chunk(content="4"), *comments, chunk("stop", content="2"), DONE)
    with ChatServer(str, {"a": [Fault(events=events)]}) as server:
        assert ask_one(server) == ChatAnswer("a", "42", None, "stop")


def test_reasoning_under_both_names_counts_once() -> None:
    events = (chunk(reasoning="2+2", reasoning_content="2+2"), chunk("stop", content="4"), DONE)
    with ChatServer(str, {"a": [Fault(events=events)]}) as server:
        assert ask_one(server) == ChatAnswer("a", "4", "2+2", "stop")


def test_token_counts_with_every_piece_are_no_sum() -> None:
    first, last = ({"prompt_tokens": 7, "completion_tokens": count} for count in (1, 2))
    events = (
        chunk(content="4"),
        event({"choices": [], "usage": first}),
        chunk("length"),
        event({"choices": [], "usage": last}),
        event({"choices": [], "usage": None}),
        DONE,
    )
    with ChatServer(str, {"a": [Fault(events=events)]}) as server:
        assert ask_one(server) == ChatAnswer("a", "4", None, "length", 7, 2)


def test_a_stream_that_ends_without_its_last_line_is_whole_if_it_said_why_the_text_ends() -> None:
    with ChatServer(str, {"a": [Fault(events=(chunk(content="4"), chunk("stop")))]}) as server:
        assert ask_one(server) == ChatAnswer("a", "4", None, "stop")


def test_an_endpoint_that_knows_no_streams_is_read_as_one_that_was_asked_for_none() -> None:
    with ChatServer(str.upper, streams=False) as server:
        assert ask_one(server) == ChatAnswer("a", "A", None, "stop", 7, 2)


def test_an_endpoint_that_cannot_be_asked_for_token_counts_is_asked_without() -> None:
    names = [f"r{i}" for i in range(20)]
    with ChatServer(str.upper, refused="stream_options") as server:
        answers = ask(client_of(server, concurrency=4), names, stream=True)
        assert answers == {n: ChatAnswer(n, n.upper(), None, "stop") for n in names}
        assert len(server.prompts()) <= 20 + 4


def test_a_request_that_is_refused_with_and_without_counts_has_no_effect_on_the_others() -> None:
    echo = refusal(400, "cannot read {'stream_options': {'include_usage': True}, 'top_k': -7}")
    with ChatServer(str.upper, {"bad": [echo] * 9}) as server:
        answers = ask(client_of(server, concurrency=1), ["bad", "good"], stream=True)
        assert server.prompts() == ["bad", "bad", "good"]
    assert answers["bad"].error.startswith("Error code: 400 - cannot read")
    assert answers["good"].completion_tokens == 2


def test_faults_at_random_lose_nothing_and_double_nothing() -> None:
    dice = random.Random(0)
    faults = [
        refusal(429, Retry_After="0.05"),
        refusal(500),
        STREAM_CUT,
        STREAM_STALL,
        STREAM_HALF_JSON,
        STREAM_ERROR,
        STREAM_WITHOUT_END,
    ]
    names = [f"<{i}>" for i in range(150)]
    planned = {name: dice.choices(faults, k=dice.choice([0, 0, 1, 2, 9])) for name in names}
    with ChatServer(str.upper, planned, seconds=lambda: dice.uniform(0, 0.1)) as server:
        answers = ask(client_of(server, IMPATIENT, concurrency=32), names, stream=True)
    assert answers.keys() == set(names)
    for name, answer in answers.items():
        if len(planned[name]) < 4:
            assert answer == ChatAnswer(name, name, None, "stop", 7, 2)
        else:
            assert "gave up after 4 attempts" in answer.error


def test_a_stream_goes_on_while_another_request_finds_no_connection() -> None:
    begun = threading.Event()

    def stream_to_one_alone(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        listener.close()
        with connection:
            connection.recv(2**16)
            head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
            connection.sendall(head.encode())
            for number in range(30):
                connection.sendall(chunk(content="x").encode())
                time.sleep(0.05)
                if number == 5:
                    begun.set()
            connection.sendall((chunk("stop") + DONE).encode())

    def requests() -> Iterator[ChatRequest]:
        yield chat("long", stream=True)
        begun.wait(10)
        yield chat("late", stream=True)

    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=stream_to_one_alone, args=(listener,), daemon=True).start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
        client = OpenAICompatibleClient(retries=replace(QUICK, first_wait=0.2, longest_wait=0.2))
    late, long = client.answers(requests())
    assert late.error.startswith("the connection failed (ConnectError")
    assert long == ChatAnswer("long", "x" * 30, None, "stop")
