"""Requests to an OpenAI-compatible endpoint: each is answered or fails for itself."""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from email.utils import formatdate
from pathlib import Path

import pytest

from chat_client import IMPATIENT, QUICK, ask, chat, client_of
from chat_server import (
    CUT,
    CUT_MIDWAY,
    HALF_JSON,
    NO_CHOICES,
    NO_JSON,
    STALL,
    ChatServer,
    Fault,
    refusal,
)
from cotdistil.engines.chat_answer import ChatAnswer
from cotdistil.engines.chat_failure import read_retry_after
from cotdistil.engines.chat_request import ChatRequest, RetryPolicy
from cotdistil.engines.openai_compatible import OpenAICompatibleClient
from cotdistil.errors import UserError

KEY = "sk-the-secret-of-this-test"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


@BOTH_WAYS
def test_an_answer_has_its_text_its_reasoning_its_finish_reason_and_its_token_counts(
    stream: bool,
) -> None:
    messages = {
        "plain": {"content": "4"},
        "vllm": {"content": "4", "reasoning": "2 and 2"},
        "deepseek": {"content": "4", "reasoning_content": "2 and 2"},
        "thinking only": {"content": None, "reasoning": "2 and"},
    }
    with ChatServer(messages.__getitem__) as server:
        answers = ask(client_of(server), messages, stream)
    expected = {
        "plain": ChatAnswer("plain", "4", None, "stop", 7, 2),
        "vllm": ChatAnswer("vllm", "4", "2 and 2", "stop", 7, 2),
        "deepseek": ChatAnswer("deepseek", "4", "2 and 2", "stop", 7, 2),
        "thinking only": ChatAnswer("thinking only", "", "2 and", "stop", 7, 2),
    }
    assert answers == expected


def test_an_endpoint_that_counts_no_tokens_leaves_the_counts_open() -> None:
    fault = Fault(body='{"choices": [{"message": {"content": "4"}}]}')
    with ChatServer(str, {"a": [fault]}) as server:
        assert ask(client_of(server), ["a"])["a"] == ChatAnswer("a", "4")


@pytest.mark.parametrize(
    "fault",
    [
        refusal(429, Retry_After="0.1"),
        refusal(408),
        refusal(409),
        refusal(500),
        refusal(503),
        Fault(502, "<html>Bad gateway</html>"),
        STALL,
        CUT,
        CUT_MIDWAY,
        NO_JSON,
        HALF_JSON,
        NO_CHOICES,
        Fault(body="[" * 10**5),
        Fault(body="x", headers={"Content-Encoding": "gzip"}),
        Fault(500, "ü", {"Content-Type": "text/plain; charset=idna"}),
        Fault(body='{"choices": [{"message": {"content": ["parts"]}}]}'),
    ],
)
@BOTH_WAYS
def test_a_fault_that_may_pass_is_retried_and_loses_nothing(fault: Fault, stream: bool) -> None:
    names = [f"r{i}" for i in range(10)]
    retries = IMPATIENT if fault is STALL else QUICK
    with ChatServer(str.upper, {"r3": [fault] * 2}) as server:
        answers = ask(client_of(server, retries), names, stream)
        assert sorted(server.prompts()) == sorted([*names, "r3", "r3"])
    assert {id: answer.text for id, answer in answers.items()} == {n: n.upper() for n in names}


@pytest.mark.parametrize(
    ("fault", "reason", "times"),
    [
        (refusal(429, "slow down"), "429 - slow down; gave up after 4 attempts", 4),
        (refusal(500, "oops"), "500 - oops; gave up after 4 attempts", 4),
        (STALL, "no answer within 0.5 s; gave up after 4 attempts", 4),
        (CUT, "the connection failed (RemoteProtocolError: ", 4),
        (NO_JSON, "the response is not valid JSON; gave up after 4 attempts", 4),
        (NO_CHOICES, "the response holds no choice with a text; gave up after 4", 4),
        (Fault(body='{"error": {"message": "busy"}}'), "no choice with a text: busy; gave up", 4),
        (refusal(400, "context too long"), "400 - context too long", 1),
        (refusal(422), "422 - no", 1),
        (Fault(400, "ü", {"Content-Type": "text/plain; charset=idna"}), "cannot be read (Uni", 4),
        (refusal(429, Retry_After="3600"), "the server asks to wait 3600 s", 1),
    ],
)
def test_a_request_that_fails_for_good_is_listed_with_its_reason_beside_the_others(
    fault: Fault, reason: str, times: int
) -> None:
    names = [f"r{i}" for i in range(10)]
    retries = IMPATIENT if fault is STALL else QUICK
    with ChatServer(str.upper, {"r3": [fault] * 9}) as server:
        answers = ask(client_of(server, retries), names)
        assert server.prompts().count("r3") == times
    failed = answers.pop("r3")
    assert reason in failed.error
    assert failed == ChatAnswer("r3", error=failed.error)
    assert {id: answer.text for id, answer in answers.items()} == {
        name: name.upper() for name in names if name != "r3"
    }


def test_a_slow_trickle_of_bytes_is_no_answer_within_the_time_out() -> None:
    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
            for _ in range(100):
                connection.sendall(b" ")
                time.sleep(0.1)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=trickle, args=(listener,), daemon=True).start()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_BASE_URL", f"http://127.0.0.1:{listener.getsockname()[1]}/v1")
            client = OpenAICompatibleClient(retries=RetryPolicy(attempts=1, timeout=0.5))
        assert ask(client, ["a"])["a"].error == "no answer within 0.5 s"


@pytest.mark.parametrize(("status", "names"), [(401, "OPENAI_API_KEY"), (403, "OPENAI_API_KEY")])
def test_a_refused_key_stops_everything_with_one_error_that_names_the_variable(
    status: int, names: str
) -> None:
    fault = refusal(status, f"Incorrect API key provided: {KEY}")
    with ChatServer(str, {"r": [fault] * 100}) as server:
        with pytest.raises(UserError) as caught:
            ask(client_of(server), [f"r{i}" for i in range(100)])
        assert len(server.prompts()) < 20
    message = str(caught.value)
    assert message.startswith(f"{server.url} refuses access (Error code: {status} - Incorrect")
    assert names in message
    assert KEY not in message


def test_an_unknown_model_stops_everything_with_one_error() -> None:
    fault = refusal(404, "The model `m` does not exist.")
    with ChatServer(str, {"r": [fault] * 100}) as server:
        with pytest.raises(UserError, match=r"The model `m` does not exist.*correct the model's"):
            ask(client_of(server), [f"r{i}" for i in range(100)])
        assert len(server.prompts()) < 20


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (refusal(401, "expired"), "refuses access.*expired"),
        (refusal(402, "Insufficient"), "answers no more .*Insufficient.*top it up"),
        (
            Fault(
                429, json.dumps({"error": {"message": "exceeded", "code": "insufficient_quota"}})
            ),
            "answers no more .*exceeded.*top it up",
        ),
    ],
)
@BOTH_WAYS
def test_a_key_that_expires_or_runs_out_of_money_midway_stops_everything(
    fault: Fault, said: str, stream: bool
) -> None:
    names = [f"r{i}" for i in range(100)]
    answers = []
    with ChatServer(str, {"r5": [fault] * 9}) as server:
        client = client_of(server, concurrency=1)
        with pytest.raises(UserError, match=said):
            answers.extend(client.answers(chat(name, stream) for name in names))
        assert server.prompts() == names[:6]
    assert [answer.id for answer in answers] == names[:5]


@pytest.mark.parametrize("status", [403, 404])
def test_what_is_refused_after_an_answer_fails_for_itself(status: int) -> None:
    with ChatServer(str.upper, {"late": [refusal(status)]}) as server:
        answers = ask(client_of(server, concurrency=1), ["first", "late", "last"])
    assert answers["late"].error == f"Error code: {status} - no"
    assert answers["last"].text == "LAST"


def test_an_endpoint_that_is_not_there_stops_everything_with_one_error() -> None:
    with ChatServer(str) as server:
        client = client_of(server)
    with pytest.raises(UserError, match=r"ConnectError.* in 4 attempts; expected an endpoint that"):
        ask(client, ["a", "b"])


def test_a_wait_that_the_server_asks_for_is_kept() -> None:
    with ChatServer(str, {"a": [refusal(429, Retry_After="0.4")]}) as server:
        ask(client_of(server), ["a"])
        first, second = server.received
    assert second.at - first.at >= 0.4


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("12", 12), ("0.5", 0.5), (None, 0), ("soon", 0), ("-3", 0), ("nan", 0)],
)
def test_the_header_of_a_wait_is_read(header: str | None, seconds: float) -> None:
    assert read_retry_after(header) == seconds


def test_the_header_of_a_wait_may_be_a_date() -> None:
    assert read_retry_after(formatdate(time.time() + 30, usegmt=True)) == pytest.approx(30, abs=2)
    assert read_retry_after(formatdate(time.time() - 30, usegmt=True)) == 0


def test_waits_grow_to_the_longest_and_differ() -> None:
    policy = RetryPolicy(first_wait=1, longest_wait=8)
    for attempt, most in [(1, 1), (2, 2), (3, 4), (4, 8), (9, 8)]:
        waits = {policy.wait(attempt, 0) for _ in range(50)}
        assert len(waits) == 50
        assert most / 2 <= min(waits)
        assert max(waits) <= most


@BOTH_WAYS
def test_as_many_requests_as_allowed_are_under_way_and_never_more(stream: bool) -> None:
    with ChatServer(str, seconds=0.2) as server:
        ask(client_of(server, concurrency=12), [f"r{i}" for i in range(36)], stream)
        assert server.most_at_once == 12


def test_requests_are_read_only_as_answers_are_taken() -> None:
    taken = itertools.count()
    with ChatServer(str) as server:
        endless = (chat(f"r{next(taken)}") for _ in itertools.repeat(None))
        with contextlib.closing(client_of(server).answers(endless)) as answers:
            assert len(list(itertools.islice(answers, 20))) == 20
    assert next(taken) <= 20 + 8


def test_requests_that_are_read_ahead_are_sent_while_the_caller_is_at_work() -> None:
    taken = itertools.count()
    with ChatServer(str, seconds=0.05) as server:
        endless = (chat(f"r{next(taken)}") for _ in itertools.repeat(None))
        client = client_of(server, concurrency=2)
        with contextlib.closing(client.answers(endless, read_ahead=3)) as answers:
            next(answers)
            end = time.monotonic() + 10
            while len(server.prompts()) < 5 and time.monotonic() < end:
                time.sleep(0.01)
            assert len(server.prompts()) == 5
        assert server.most_at_once == 2
    assert next(taken) == 5


def test_requests_that_run_out_may_have_more_after_the_next_answer() -> None:
    class Requests:
        """Every request is made twice more, but only once it has been answered."""

        def __init__(self) -> None:
            self.waiting = ["a1", "b1", "c1"]

        def __iter__(self) -> Requests:
            return self

        def __next__(self) -> ChatRequest:
            if not self.waiting:
                raise StopIteration
            return chat(self.waiting.pop(0))

    requests, answered = Requests(), []
    with ChatServer(str) as server:
        for answer in client_of(server, concurrency=2).answers(requests):
            answered.append(answer.id)
            name, time = answer.id
            if time != "3":
                requests.waiting.append(f"{name}{int(time) + 1}")
    assert sorted(answered) == [f"{name}{time}" for name in "abc" for time in "123"]


def test_a_caller_who_is_slow_makes_no_request_time_out() -> None:
    with ChatServer(str, seconds=0.1) as server:
        client = client_of(server, RetryPolicy(attempts=1, timeout=1), concurrency=4)
        for answer in client.answers(chat(f"r{i}") for i in range(4)):
            time.sleep(0.5)
            assert answer.error is None


def test_a_client_can_be_used_again_and_leaves_no_thread_behind() -> None:
    with ChatServer(str, {"r": [STALL]}) as server:
        client = client_of(server)
        answers = client.answers(chat(name) for name in ["a", "r", "b"])
        next(answers)
        answers.close()
        assert "chat requests" not in [thread.name for thread in threading.enumerate()]
        assert ask(client, ["c"])["c"].text == "c"


def test_an_error_in_the_callers_iterable_reaches_the_caller() -> None:
    def requests():
        yield chat("a")
        raise OSError("the disk is gone")

    with ChatServer(str) as server, pytest.raises(OSError, match="the disk is gone"):
        list(client_of(server).answers(requests()))


def test_half_a_surrogate_pair_is_sent_and_comes_back_as_something_that_can_be_written() -> None:
    with ChatServer(lambda prompt: f"{prompt} and \U0001f600") as server:
        answer = ask(client_of(server), ["\ud83d"])["\ud83d"]
    assert answer.text == "? and \U0001f600"


def test_an_interrupt_ends_the_requests_at_once() -> None:
    command = """
        import signal, sys
        from cotdistil.engines.chat_request import ChatRequest
        from cotdistil.engines.openai_compatible import OpenAICompatibleClient
        # a shell that runs the tests in the background has them ignore it
        signal.signal(signal.SIGINT, signal.default_int_handler)
        body = {"model": "m", "messages": [{"role": "user", "content": "r"}]}
        try:
            list(OpenAICompatibleClient().answers(ChatRequest(str(i), body) for i in range(100)))
        except KeyboardInterrupt:
            sys.exit("interrupted")
    """
    scripts = Path(__file__).parents[2] / "scripts"
    with ChatServer(str, {"r": [STALL] * 200}) as server:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(command)],
            env={**os.environ, "OPENAI_BASE_URL": server.url, "PYTHONPATH": str(scripts)},
            stderr=subprocess.PIPE,
            text=True,
        )
        end = time.monotonic() + 60
        while len(server.prompts()) < 64 and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert said == "interrupted\n"
    assert process.returncode == 1


def test_the_key_is_sent_and_stands_in_no_log_error_or_description(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = refusal(400, f"Bad key {KEY}?")
    with ChatServer(
        str, {"r1": [echo] * 9, "r2": [CUT, refusal(500, KEY)], "r3": [STALL]}
    ) as server:
        client = client_of(server, IMPATIENT)
        answers = ask(client, ["r0", "r1", "r2", "r3"])
        sent = {received.headers["authorization"] for received in server.received}
    assert sent == {f"Bearer {KEY}"}
    assert "[OPENAI_API_KEY]" in answers["r1"].error
    assert caplog.records
    shown = [caplog.text, *capfd.readouterr(), repr(answers), repr(client), repr(vars(client))]
    assert all(KEY not in text for text in shown)


def test_without_a_key_a_placeholder_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with ChatServer(str) as server:
        ask(client_of(server), ["a"])
    assert server.received[0].headers["authorization"] == "Bearer none"


def test_the_caller_names_the_variables_and_no_other_key_goes_to_that_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {KEY}")
    with ChatServer(str) as server:
        monkeypatch.setenv("JUDGE_URL", server.url)
        monkeypatch.setenv("JUDGE_KEY", "another")
        ask(OpenAICompatibleClient("JUDGE_URL", "JUDGE_KEY"), ["a"])
    assert server.received[0].headers["authorization"] == "Bearer another"
    assert KEY not in str(server.received)


def test_a_missing_base_url_is_said_with_the_variable_to_set() -> None:
    with pytest.raises(UserError, match=r"variable NOWHERE is not set.*export NOWHERE=http"):
        OpenAICompatibleClient("NOWHERE")


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000/v1",
        "ftp://host/v1",
        "http:///v1",
        "http://me:secret@host/v1",
        "http://h:x/v1",
    ],
)
def test_something_else_than_a_base_url_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", url)
    with pytest.raises(UserError, match="OPENAI_BASE_URL: found something else") as caught:
        OpenAICompatibleClient()
    assert url not in str(caught.value)


@pytest.mark.parametrize("key", ["two words", "two\nlines", "schlüssel"])
def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated(
    monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with pytest.raises(UserError, match="OPENAI_API_KEY: found characters") as caught:
        OpenAICompatibleClient()
    assert key not in str(caught.value)
