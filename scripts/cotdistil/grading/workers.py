"""Worker processes for the symbolic comparison: limited in time and memory, replaced when dead."""

import contextlib
import multiprocessing
import os
import queue
import resource
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

MEMORY = 512 * 2**20  # bytes above what a worker has after its imports
START_SECONDS = 120.0  # a worker imports SymPy; on a busy machine that takes a while
WALL_FACTOR = 5.0
POLL_SECONDS = 0.05
TASKS_PER_CACHE = 200
GOLD_UNREADABLE = "gold cannot be read"


@dataclass(frozen=True)
class Outcome:
    """`equal` is None where there is no verdict; `error` then says why.

    `error`: "timeout", "memory", "gold cannot be read: ...", or "error: ...".
    """

    equal: bool | None
    error: str | None = None


@dataclass
class _Worker:
    process: BaseProcess
    connection: Connection
    tasks: int = 0

    def cpu_seconds(self) -> float:
        try:
            with open(f"/proc/{self.process.pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        self.process.kill()
        self.process.join()
        self.connection.close()


class WorkerPool:
    """At most `size` processes, each started when it is first needed. Usable from any thread.

    `timeout` is in seconds of the worker's CPU time for one comparison, so a busy machine does
    not turn right answers into wrong ones; five times as long on the clock is the end in any case.
    """

    def __init__(self, size: int, timeout: float):
        self.timeout = timeout
        self._context = multiprocessing.get_context("spawn")
        self._slots: queue.LifoQueue[_Worker | None] = queue.LifoQueue()
        self._size = size
        for _ in range(size):
            self._slots.put(None)

    def compare(self, gold: str, answer: str, relative_tolerance: float | None) -> Outcome:
        """Compare two normalised answers; waits for a free worker."""
        worker = self._slots.get()
        try:
            outcome, worker = self._run(worker, (gold, answer, relative_tolerance))
        except BaseException:
            if worker is not None:
                worker.kill()
            worker = None
            raise
        finally:
            self._slots.put(worker)
        return outcome

    def started(self) -> int:
        """How many workers are alive and idle."""
        with self._slots.mutex:
            return sum(worker is not None for worker in self._slots.queue)

    def close(self) -> None:
        for _ in range(self._size):
            worker = self._slots.get()
            if worker is not None:
                worker.kill()
        for _ in range(self._size):
            self._slots.put(None)

    def _run(self, worker: _Worker | None, task: tuple) -> tuple[Outcome, _Worker | None]:
        while True:
            if worker is None or not worker.process.is_alive():
                worker = self._start()
            fresh = worker.tasks == 0
            worker.tasks += 1
            outcome = self._ask(worker, task)
            if outcome is not None and outcome.error != "memory":
                return outcome, worker
            timed_out = outcome is None and worker.process.is_alive()
            worker.kill()
            worker = None
            if timed_out:
                return Outcome(None, "timeout"), None
            if fresh:
                return outcome or Outcome(None, "error: the worker died"), None
            # what earlier comparisons left in memory must not decide this one

    def _ask(self, worker: _Worker, task: tuple) -> Outcome | None:
        """The worker's outcome, or None when it died or ran out of time (it is then alive)."""
        used, end = worker.cpu_seconds(), time.monotonic() + WALL_FACTOR * self.timeout
        try:
            worker.connection.send(task)
            while not worker.connection.poll(POLL_SECONDS):
                if not worker.process.is_alive():
                    return None
                if worker.cpu_seconds() - used > self.timeout or time.monotonic() > end:
                    return None
            return worker.connection.recv()
        except (EOFError, OSError):
            worker.process.join(1.0)
            return None

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        if not ours.poll(START_SECONDS):
            process.kill()
            raise RuntimeError(f"a grading worker did not start within {START_SECONDS:.0f} s")
        try:
            ours.recv()
        except EOFError as error:
            process.join()
            raise RuntimeError(
                f"a grading worker ended with code {process.exitcode} while it started; "
                "its own message is above"
            ) from error
        return _Worker(process, ours)


def _serve(connection: Connection, parent: int) -> None:
    """The worker: imports, sets its memory limit, then answers until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from sympy.core.cache import clear_cache

    from cotdistil.grading.symbolic import UnreadableGoldError, compare_symbolically

    compare_symbolically("2x", "x+x", None)  # loads what SymPy loads late
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    with open("/proc/self/statm") as file:
        baseline = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (baseline + MEMORY, baseline + MEMORY))
    connection.send("ready")
    count = 0
    while True:
        try:
            task = connection.recv()
        except EOFError:
            return
        try:
            outcome = Outcome(compare_symbolically(*task))
        except UnreadableGoldError as error:
            outcome = Outcome(None, f"{GOLD_UNREADABLE}: {error}")
        except MemoryError:
            outcome = Outcome(None, "memory")
        except Exception as error:
            outcome = Outcome(None, f"error: {type(error).__name__}: {str(error)[:200]}")
        connection.send(outcome)
        count += 1
        if count % TASKS_PER_CACHE == 0:
            clear_cache()


def _end_with(parent: int) -> None:
    """A worker in a long computation must not outlive a parent that was killed."""
    while os.getppid() == parent:
        time.sleep(1.0)
    with contextlib.suppress(OSError):
        os.kill(os.getpid(), signal.SIGKILL)
