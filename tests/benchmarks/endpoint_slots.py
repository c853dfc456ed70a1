"""How many of the allowed requests to an endpoint are not under way while work is waiting.

    python tests/benchmarks/endpoint_slots.py [REQUESTS]

A loopback endpoint in its own process takes 0.2 to 1.8 seconds for each answer; 64 requests may be
under way. Each answer is appended to a file and synced before the next is taken, as a job does.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONCURRENCY = 64
WORDS = 20


def main() -> None:
    sys.path.insert(0, str(ROOT / "scripts"))
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    dice = random.Random(0)
    latencies = [dice.uniform(0.2, 1.8) for _ in range(count)]
    print("             idle slots, bound 5 %      seconds")
    print("          by the server  by the client   in all  taking an answer (mean, longest)")
    for stream in (False, True):
        with endpoint() as (url, busy_seconds):
            os.environ |= {"OPENAI_BASE_URL": url, "NO_PROXY": "127.0.0.1"}
            sent, taking, seconds = ask(latencies, stream)
            by_server = 1 - busy_seconds() / CONCURRENCY
        # What the endpoint alone would take of the time in which work was waiting.
        until = sent[-1]
        busy = sum(min(at + took, until) - at for at, took in zip(sent, latencies, strict=True))
        by_client = 1 - busy / (until - sent[0]) / CONCURRENCY
        print(
            f"{'streamed' if stream else 'whole':8} {by_server:14.2%} {by_client:14.2%}"
            f" {seconds:8.1f} {sum(taking) / count * 1000:10.1f} ms {max(taking) * 1000:8.1f} ms"
        )


def ask(latencies: list[float], stream: bool) -> tuple[list[float], list[float], float]:
    """When each request was read, how long the taking of each answer took, and how long all did;
    in seconds."""
    from cotdistil.engines.chat_request import ChatRequest
    from cotdistil.engines.openai_compatible import OpenAICompatibleClient

    sent, taking, answered = [], [], set()

    def requests() -> Iterator[ChatRequest]:
        for number, seconds in enumerate(latencies):
            sent.append(time.monotonic())
            messages = [{"role": "user", "content": str(seconds)}]
            yield ChatRequest(str(number), {"model": "m", "messages": messages}, stream)

    began = time.monotonic()
    client = OpenAICompatibleClient(concurrency=CONCURRENCY)
    with tempfile.TemporaryFile("w", dir=ROOT / "results") as file:
        for answer in client.answers(requests(), CONCURRENCY // 8):
            took = time.monotonic()
            assert answer.error is None, answer.error
            answered.add(answer.id)
            file.write(json.dumps({"id": answer.id, "text": answer.text * 220}) + "\n")
            file.flush()
            os.fsync(file.fileno())
            taking.append(time.monotonic() - took)
    assert len(answered) == len(taking) == len(latencies)
    return sent, taking, time.monotonic() - began


@contextlib.contextmanager
def endpoint() -> Iterator[tuple[str, object]]:
    """An endpoint's base URL, and what says how many requests were under way on average."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    process.start()
    port = here.recv()

    def busy() -> float:
        here.send("how busy?")
        return here.recv()

    try:
        yield f"http://127.0.0.1:{port}/v1", busy
    finally:
        process.terminate()
        process.join()


def serve(pipe: Connection) -> None:
    asyncio.run(Server().run(pipe))


class Server:
    """Counts how many requests are under way from the first one to the last one that came."""

    def __init__(self) -> None:
        self.under_way = 0
        self.busy = 0.0
        self.busy_until_last = 0.0
        self.first = self.last = self.changed = 0.0

    async def run(self, pipe: Connection) -> None:
        server = await asyncio.start_server(self.connect, "127.0.0.1", 0, backlog=256)
        pipe.send(server.sockets[0].getsockname()[1])
        await asyncio.to_thread(pipe.recv)
        pipe.send(self.busy_until_last / (self.last - self.first))

    def change(self, by: int) -> None:
        now = time.monotonic()
        self.busy += self.under_way * (now - self.changed)
        self.under_way += by
        self.changed = now
        if by > 0:
            self.first = self.first or now
            self.last, self.busy_until_last = now, self.busy

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n")[0])
                body = json.loads(await reader.readexactly(length))
                self.change(+1)
                seconds = float(body["messages"][0]["content"])
                if body.get("stream"):
                    await self.stream(writer, seconds)
                else:
                    await asyncio.sleep(seconds)
                    self.change(-1)
                    choice = {"message": {"content": "word " * WORDS}, "finish_reason": "stop"}
                    content = json.dumps({"choices": [choice], "usage": USAGE}).encode()
                    writer.write(
                        HEAD % b"application/json" + b"Content-Length: %d\r\n\r\n" % len(content)
                    )
                    writer.write(content)

    async def stream(self, writer: asyncio.StreamWriter, seconds: float) -> None:
        writer.write(HEAD % b"text/event-stream" + b"Transfer-Encoding: chunked\r\n\r\n")
        clock = asyncio.get_running_loop().time
        began = clock()
        for word in range(1, WORDS + 1):
            await asyncio.sleep(began + seconds * word / WORDS - clock())
            writer.write(chunked({"choices": [{"delta": {"content": "word "}}]}))
        self.change(-1)
        writer.write(chunked({"choices": [{"delta": {}, "finish_reason": "stop"}]}))
        writer.write(chunked({"choices": [], "usage": USAGE}))
        writer.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")


USAGE = {"prompt_tokens": 7, "completion_tokens": WORDS}
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\n"


def chunked(data: dict) -> bytes:
    content = b"data: " + json.dumps(data).encode() + b"\n\n"
    return b"%x\r\n%b\r\n" % (len(content), content)


if __name__ == "__main__":
    main()
