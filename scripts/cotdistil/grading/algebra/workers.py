"""Worker processes for the symbolic comparison: limited in time and memory, replaced when dead."""

import contextlib
import json
import os
import queue
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from cotdistil.grading.algebra.worker_process import GOLD_UNREADABLE

MEMORY = 512 * 2**20  # bytes above what a worker has after its imports
START_SECONDS = 120.0  # a worker imports SymPy; on a busy machine that takes a while
WALL_FACTOR = 5.0
POLL_SECONDS = 0.05
SCRIPT = Path(__file__).with_name("worker_process.py")

__all__ = ["GOLD_UNREADABLE", "MEMORY", "Outcome", "WorkerPool"]


@dataclass(frozen=True)
class Outcome:
    """`equal` is None where there is no verdict; `error` then says why.

    `error`: "timeout", "memory", "gold cannot be read: ...", or "error: ...".
    """

    equal: bool | None
    error: str | None = None


class WorkerPool:
    """At most `size` processes, each started when it is first needed. Usable from any thread.

    `timeout` is in seconds of the worker's CPU time for one comparison, so a busy machine does
    not turn right answers into wrong ones; five times as long on the clock is the end in any case.
    `memory` is in bytes, above what a worker has once it has started.
    """

    def __init__(self, size: int, timeout: float, memory: int = MEMORY):
        self.timeout = timeout
        self.memory = memory
        self._slots = [_Slot() for _ in range(size)]
        self._free: queue.LifoQueue[_Slot] = queue.LifoQueue()
        self._closing = False
        for slot in self._slots:
            self._free.put(slot)

    def compare(self, gold: str, answer: str, relative_tolerance: float | None) -> Outcome:
        """Compare two normalised answers; waits for a free worker."""
        slot = self._free.get()
        try:
            return self._run(slot, (gold, answer, relative_tolerance))
        except BaseException:
            slot.end()
            raise
        finally:
            self._free.put(slot)

    def close(self) -> None:
        """End the workers at once, also those at work: what they compare has then no verdict."""
        self._closing = True
        taken: list[_Slot] = []
        while len(taken) < len(self._slots):
            for slot in self._slots:  # again and again: one may have been starting
                slot.interrupt()
            with contextlib.suppress(queue.Empty):
                taken.append(self._free.get(timeout=POLL_SECONDS))
        for slot in taken:
            slot.end()
        self._closing = False
        for slot in taken:
            self._free.put(slot)

    def _run(self, slot: "_Slot", task: tuple) -> Outcome:
        while not self._closing:
            worker = slot.alive_worker(self.memory)
            fresh = worker.tasks == 0
            outcome = worker.ask(task, self.timeout)
            if outcome is not None and outcome.error != "memory":
                return outcome
            timed_out = outcome is None and worker.is_alive()
            slot.end()
            if timed_out:
                return Outcome(None, "timeout")
            if fresh:
                return outcome or Outcome(None, "error: the worker died")
            # what earlier comparisons left in memory must not decide this one
        return Outcome(None, "error: the grader was closed")


class _Slot:
    """The place of one worker, which comes and goes."""

    def __init__(self) -> None:
        self.worker: _Worker | None = None

    def alive_worker(self, memory: int) -> "_Worker":
        if self.worker is not None and not self.worker.is_alive():
            self.end()
        if self.worker is None:
            self.worker = _Worker(memory)
        return self.worker

    def interrupt(self) -> None:
        """Kill the process; whoever waits for it finds it dead. From any thread."""
        worker = self.worker
        if worker is not None:
            worker.process.kill()

    def end(self) -> None:
        worker, self.worker = self.worker, None
        if worker is not None:
            worker.kill()


class _Worker:
    """One process and the socket to it."""

    def __init__(self, memory: int):
        ours, theirs = socket.socketpair()
        with theirs:
            # -P: the modules beside the script must not stand in for installed ones
            arguments = [theirs.fileno(), os.getpid(), memory]
            self.process = subprocess.Popen(
                [sys.executable, "-P", str(SCRIPT), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.tasks = 0
        self._socket = ours
        self._lines = ours.makefile("rb")
        if not self._readable(START_SECONDS):
            self.kill()
            raise RuntimeError(f"a grading worker did not start within {START_SECONDS:.0f} s")
        if not self._lines.readline():
            code = self.process.wait()
            self.kill()
            raise RuntimeError(
                f"a grading worker ended with code {code} while it started; "
                "its own message is above"
            )

    def is_alive(self) -> bool:
        return self.process.poll() is None

    def ask(self, task: tuple, timeout: float) -> Outcome | None:
        """The outcome, or None when the worker died or ran out of time (it is then alive)."""
        self.tasks += 1
        used, end = self._cpu_seconds(), time.monotonic() + WALL_FACTOR * timeout
        try:
            self._socket.sendall(json.dumps(task).encode() + b"\n")
            while not self._readable(POLL_SECONDS):
                if not self.is_alive():
                    return None
                if self._cpu_seconds() - used > timeout or time.monotonic() > end:
                    return None
            line = self._lines.readline()
        except OSError:
            line = b""
        if not line:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(1.0)
            return None
        return Outcome(*json.loads(line))

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._lines.close()
        self._socket.close()

    def _readable(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        return bool(poll.poll(1000 * seconds))

    def _cpu_seconds(self) -> float:
        try:
            with open(f"/proc/{self.process.pid}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
