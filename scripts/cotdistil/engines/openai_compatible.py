"""Chat requests to any endpoint that speaks OpenAI's chat-completions protocol, many at once."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import TYPE_CHECKING

from cotdistil.engines.chat_answer import ChatAnswer
from cotdistil.engines.chat_request import ChatRequest, RequestSender, RetryPolicy
from cotdistil.engines.endpoint import read_endpoint

if TYPE_CHECKING:
    from openai import AsyncOpenAI

# Local servers ask for no key, but the protocol's client sends none that is empty.
NO_KEY = "none"


class OpenAICompatibleClient:
    """The way to one endpoint, which the environment names.

    base_url_variable: the environment variable that holds the base URL, as in
    `http://127.0.0.1:8000/v1`. key_variable: the one that holds the key; local servers need none.
    concurrency: requests under way at most.
    Raises `UserError` if the base URL is missing or is none, or if the key cannot be sent.
    """

    def __init__(
        self,
        base_url_variable: str = "OPENAI_BASE_URL",
        key_variable: str = "OPENAI_API_KEY",
        *,
        concurrency: int = 64,
        retries: RetryPolicy | None = None,
    ):
        if concurrency < 1:
            raise ValueError(f"concurrency is {concurrency}, expected at least 1")
        self.concurrency = concurrency
        self.retries = retries or RetryPolicy()
        self.endpoint = read_endpoint(base_url_variable, key_variable)

    def answers(self, requests: Iterable[ChatRequest], read_ahead: int = 0) -> Iterator[ChatAnswer]:
        """One answer per request, in the order in which they finish.

        A request that fails for good is yielded too, with its `error`, and loses no other one.
        `requests` is read, in the caller's thread, only as answers are taken, so that no more than
        `concurrency` plus `read_ahead` of them are held; those that are read ahead are sent as soon
        as there is room, even while the caller is at work on an answer. An iterator that has run
        out is asked again after each answer, for it may have more by then; the end is when it has
        none and none is under way. Close the iterator, or read it to its end, to end the
        connections; what is under way is then given up.
        Raises `UserError` if the endpoint cannot be reached, if it refuses the key or wants to be
        paid first, or if it knows no such model before it has answered anything.
        """
        requests = iter(requests)
        finished: queue.SimpleQueue[Future[ChatAnswer]] = queue.SimpleQueue()
        held = 0
        with self._connections() as (loop, connections):
            sender = RequestSender(connections, self.endpoint, self.retries)
            slots = asyncio.Semaphore(self.concurrency)

            async def send(request: ChatRequest) -> ChatAnswer:
                async with slots:
                    return await sender.send(request)

            while True:
                for request in islice(requests, self.concurrency + read_ahead - held):
                    answer = asyncio.run_coroutine_threadsafe(send(request), loop)
                    answer.add_done_callback(finished.put)
                    held += 1
                if held == 0:
                    return
                answer = finished.get()
                held -= 1
                yield answer.result()

    @contextlib.contextmanager
    def _connections(self) -> Iterator[tuple[asyncio.AbstractEventLoop, AsyncOpenAI]]:
        """An event loop in a thread of its own: requests go on while the caller is at work."""
        opened: Future = Future()
        thread = threading.Thread(
            target=asyncio.run, args=(self._hold_open(opened),), name="chat requests", daemon=True
        )
        thread.start()
        loop, connections, stop = opened.result()
        try:
            yield loop, connections
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()

    async def _hold_open(self, opened: Future) -> None:
        try:
            stop = asyncio.Event()
            async with self._connect() as connections:
                opened.set_result((asyncio.get_running_loop(), connections, stop))
                await stop.wait()
                under_way = asyncio.all_tasks() - {asyncio.current_task()}
                for task in under_way:
                    task.cancel()
                await asyncio.gather(*under_way, return_exceptions=True)
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)

    def _connect(self) -> AsyncOpenAI:
        import httpx2
        from openai import AsyncOpenAI, DefaultAsyncHttpxClient

        seconds = self.retries.timeout
        return AsyncOpenAI(
            base_url=self.endpoint.base_url,
            api_key=self.endpoint.key or NO_KEY,
            # Else a header in OPENAI_CUSTOM_HEADERS, meant for another endpoint, replaces the key.
            default_headers={"Authorization": f"Bearer {self.endpoint.key or NO_KEY}"},
            max_retries=0,
            http_client=DefaultAsyncHttpxClient(
                timeout=httpx2.Timeout(seconds, connect=min(seconds, 30.0)),
                limits=httpx2.Limits(
                    max_connections=self.concurrency, max_keepalive_connections=self.concurrency
                ),
            ),
        )
