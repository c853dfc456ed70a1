"""A proxy on loopback that breaks what it forwards, in all the ways in which networks do."""

from __future__ import annotations

import json
import random
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAULTS = ("429", "500", "stall", "cut stream", "cut before", "invalid JSON")


class FaultyProxy:
    """A context manager; `url` is the base URL to ask instead of `target`.

    share: of the requests that break, each in a way that `seed` draws; after `most` broken ones a
    request goes through, but one whose text holds `hopeless` never does. stall: seconds without a
    byte.
    broken: how many broke in each way. answered: how often each prompt was answered whole.
    """

    def __init__(
        self,
        target: str,
        share: float,
        seed: int,
        hopeless: str,
        most: int = 3,
        stall: float = 5.0,
    ):
        self.target = target
        self.share = share
        self.hopeless = hopeless
        self.most = most
        self.stall = stall
        self.broken: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._tries: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __enter__(self) -> FaultyProxy:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                proxy._handle(self)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

            def handle_error(self, *_: object) -> None:
                """A client that gave up is no fault of the proxy."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        prompt = json.loads(body)["messages"][-1]["content"]
        fault = self._draw(prompt)
        request.close_connection = True
        if fault == "cut before":
            return
        if fault in ("429", "500"):
            self._send(request, int(fault), b'{"error": {"message": "not now"}}')
        elif fault == "invalid JSON":
            self._send(request, 200, b"data: {half of\n\n", "text/event-stream")
        elif fault == "stall":
            time.sleep(self.stall)
        else:
            self._forward(request, body, prompt, cut=fault == "cut stream")

    def _draw(self, prompt: str) -> str:
        with self._lock:
            self._tries[prompt] += 1
            hopeless = self.hopeless in prompt
            spared = self._random.random() >= self.share or self._tries[prompt] > self.most
            if spared and not hopeless:
                return ""
            fault = self._random.choice(FAULTS[:2] if hopeless else FAULTS)
            self.broken[fault] += 1
            return fault

    def _send(
        self,
        request: BaseHTTPRequestHandler,
        status: int,
        content: bytes,
        kind: str = "application/json",
    ) -> None:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.end_headers()
        request.wfile.write(content)

    def _forward(
        self, request: BaseHTTPRequestHandler, body: bytes, prompt: str, cut: bool
    ) -> None:
        headers = {"Content-Type": "application/json"}
        headers["Authorization"] = request.headers["Authorization"]
        asked = urllib.request.Request(f"{self.target}/chat/completions", body, headers)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            response = direct.open(asked, timeout=300)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            request.send_response(response.status)
            request.send_header("Content-Type", response.headers["Content-Type"])
            request.end_headers()
            for number, line in enumerate(response):
                if cut and number == 4:
                    return
                request.wfile.write(line)
        with self._lock:
            self.answered[prompt] += 1
