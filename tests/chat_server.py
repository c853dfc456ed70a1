"""A chat-completions endpoint on loopback that answers as a test says and misbehaves on demand."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Fault:
    """What happens to a request in place of an answer.

    cut: the connection ends, "before" the response or in the "middle" of it. stall: no response.
    events: what is sent as a stream; behind it the stream ends, or is cut in the "middle", or
    stalls. pause: seconds between events.
    """

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut: str = ""
    stall: bool = False
    events: tuple[str, ...] = ()
    pause: float = 0.0


def refusal(status: int, message: str = "no", **headers: str) -> Fault:
    """An error as OpenAI's protocol words it."""
    body = json.dumps({"error": {"message": message, "type": "error", "code": status}})
    return Fault(status, body, {name.replace("_", "-"): text for name, text in headers.items()})


STALL = Fault(stall=True)
CUT = Fault(cut="before")
CUT_MIDWAY = Fault(cut="middle")
NO_JSON = Fault(body="<html>Bad gateway</html>")
HALF_JSON = Fault(body='{"choices": [{"message": {"content": "Tr')
NO_CHOICES = Fault(body='{"object": "chat.completion", "choices": []}')


def event(data: object) -> str:
    """A server-sent event."""
    return f"data: {json.dumps(data)}\n\n"


def chunk(finish_reason: str | None = None, **delta: str | None) -> str:
    """The event of a piece of an answer."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return event({"object": "chat.completion.chunk", "choices": [choice]})


# What may happen midway in a stream. The texts must be in no answer.
LOST = (chunk(role="assistant", content=""), chunk(reasoning="Lost "), chunk(content="words"))
STREAM_CUT = Fault(events=LOST, cut="middle")
STREAM_STALL = Fault(events=LOST, stall=True)
STREAM_WITHOUT_END = Fault(events=LOST)
STREAM_WITHOUT_END_BUT_DONE = Fault(events=(*LOST, "data: [DONE]\n\n"))
STREAM_HALF_JSON = Fault(events=(*LOST, 'data: {"choices": [{"de\n\n', chunk("stop")))
STREAM_ERROR = Fault(events=(*LOST, event({"error": {"message": "out of memory"}})))
STREAM_OTHER_ERROR = Fault(events=(*LOST, event({"object": "error", "message": "preempted"})))
STREAM_OF_COMMENTS = Fault(events=(*LOST, *[": keep-alive\n\n"] * 200), pause=0.05)
STREAM_OF_NOTHING = Fault(events=(*LOST, *[chunk(content="")] * 200), pause=0.05)


@dataclass(frozen=True)
class Received:
    """One request: its prompt, which is the last of its messages, the rest of its body, its headers
    by names in lower case, and when it came, in seconds."""

    prompt: str
    messages: list[dict]
    body: dict
    headers: dict[str, str]
    at: float


class ChatServer:
    """A context manager; `url` is the base URL.

    reply: from a prompt to the text of the answer, or to a whole message; it is streamed, word by
    word, to those who ask for a stream.
    faults: for prompts that contain a text, what happens to the first, second, … such request;
    what comes behind the last fault is answered. seconds: that an answer takes, or what says so
    each time; of a stream, half of it passes before the first word.
    streams: whether it knows streams, or answers as without. counts_tokens: whether it does.
    refused: a field of a request that is refused with status 422.
    """

    def __init__(
        self,
        reply: Callable[[str], str | dict],
        faults: dict[str, list[Fault]] | None = None,
        seconds: float | Callable[[], float] = 0.0,
        *,
        streams: bool = True,
        counts_tokens: bool = True,
        refused: str = "",
    ):
        self.reply = reply
        self.faults = {text: list(found) for text, found in (faults or {}).items()}
        self.seconds = seconds
        self.streams = streams
        self.counts_tokens = counts_tokens
        self.refused = refused
        self.received: list[Received] = []
        self.most_at_once = 0
        self._at_once = 0
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def __enter__(self) -> ChatServer:
        chat = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 2**16

            def do_POST(self) -> None:
                chat._handle(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                """A client that was killed is no fault of the server."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()

    def prompts(self) -> list[str]:
        with self._lock:
            return [received.prompt for received in self.received]

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        body = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        prompt = body["messages"][-1]["content"]
        with self._lock:
            rest = {name: value for name, value in body.items() if name != "messages"}
            headers = {name.lower(): text for name, text in request.headers.items()}
            self.received.append(
                Received(prompt, body["messages"], rest, headers, time.monotonic())
            )
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            waiting = [found for text, found in self.faults.items() if text in prompt and found]
            fault = waiting[0].pop(0) if waiting else None
        if self.refused in rest:
            said = {"detail": [{"loc": ["body", self.refused], "msg": "not permitted"}]}
            fault = Fault(422, json.dumps(said))
        if fault is None:
            seconds = self.seconds() if callable(self.seconds) else self.seconds
            fault = self._answer(prompt, body, seconds)
        if fault.events:
            self._stream(request, fault)
            return
        if fault.stall:
            self._closing.wait(30)
        self._leave()
        self._respond(request, fault)

    def _leave(self) -> None:
        """Called before the answer is out: behind it, the client's next request may come first."""
        with self._lock:
            self._at_once -= 1

    def _answer(self, prompt: str, body: dict, seconds: float) -> Fault:
        message = self.reply(prompt)
        if isinstance(message, str):
            message = {"role": "assistant", "content": message}
        usage = {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9}
        if not (self.streams and body.get("stream")):
            self._closing.wait(seconds)
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            completion = {"object": "chat.completion", "choices": [choice]}
            if self.counts_tokens:
                completion["usage"] = usage
            return Fault(body=json.dumps(completion))
        self._closing.wait(seconds / 2)
        events = [chunk(role="assistant", content=""), *_pieces(message), chunk("stop")]
        if self.counts_tokens and (body.get("stream_options") or {}).get("include_usage"):
            events.append(event({"choices": [], "usage": usage}))
        return Fault(events=(*events, "data: [DONE]\n\n"), pause=seconds / 2 / len(events))

    def _respond(self, request: BaseHTTPRequestHandler, fault: Fault) -> None:
        if fault.stall or fault.cut == "before":
            request.close_connection = True
            return
        content = fault.body.encode() or b"{}"
        request.send_response(fault.status)
        request.send_header("Content-Length", str(len(content) + (100 if fault.cut else 0)))
        for name, text in {"Content-Type": "application/json", **fault.headers}.items():
            request.send_header(name, text)
        request.end_headers()
        request.wfile.write(content)
        request.wfile.flush()
        if fault.cut:
            request.close_connection = True

    def _stream(self, request: BaseHTTPRequestHandler, fault: Fault) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream; charset=utf-8")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        *first, last = fault.events
        for text in first:
            _send_chunk(request, text)
            self._closing.wait(fault.pause)
        self._leave()
        _send_chunk(request, last)
        if fault.stall:
            self._closing.wait(30)
        if fault.stall or fault.cut:
            request.close_connection = True
        else:
            request.wfile.write(b"0\r\n\r\n")
            request.wfile.flush()


def _pieces(message: dict) -> Iterator[str]:
    """Chunks of one word each, the reasoning first."""
    for name in ("reasoning", "reasoning_content", "content"):
        for word in re.findall(r"\S+\s*|\s+", message.get(name) or ""):
            yield chunk(**{name: word})


def _send_chunk(request: BaseHTTPRequestHandler, text: str) -> None:
    content = text.encode()
    request.wfile.write(b"%x\r\n%b\r\n" % (len(content), content))
    request.wfile.flush()
