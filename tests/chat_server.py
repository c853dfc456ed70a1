"""A chat-completions endpoint on loopback that answers as a test says and misbehaves on demand."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Fault:
    """What happens to a request in place of an answer.

    cut: the connection ends, "before" the response or in the "middle" of it. stall: no response.
    """

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    cut: str = ""
    stall: bool = False


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


@dataclass(frozen=True)
class Received:
    """One request: its prompt, the rest of its body, its headers by names in lower case, and when
    it came, in seconds."""

    prompt: str
    body: dict
    headers: dict[str, str]
    at: float


class ChatServer:
    """A context manager; `url` is the base URL.

    reply: from a prompt to the text of the answer, or to a whole message.
    faults: for prompts that contain a text, what happens to the first, second, … such request;
    what comes behind the last fault is answered. seconds: that an answer takes.
    """

    def __init__(
        self,
        reply: Callable[[str], str | dict],
        faults: dict[str, list[Fault]] | None = None,
        seconds: float = 0.0,
    ):
        self.reply = reply
        self.faults = {text: list(found) for text, found in (faults or {}).items()}
        self.seconds = seconds
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
            self.received.append(Received(prompt, rest, headers, time.monotonic()))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            waiting = [found for text, found in self.faults.items() if text in prompt and found]
            fault = waiting[0].pop(0) if waiting else None
        if fault is None:
            self._closing.wait(self.seconds)
            fault = Fault(body=json.dumps(self._completion(prompt)))
        elif fault.stall:
            self._closing.wait(30)
        # Before the answer is out: behind it, the client's next request may come first.
        with self._lock:
            self._at_once -= 1
        self._respond(request, fault)

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

    def _completion(self, prompt: str) -> dict:
        message = self.reply(prompt)
        if isinstance(message, str):
            message = {"role": "assistant", "content": message}
        return {
            "object": "chat.completion",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 7, "completion_tokens": 2, "total_tokens": 9},
        }
