"""A process that compares answers by algebra, started by `workers.py` as a script of its own.

    python -P worker_process.py SOCKET_FD PARENT_PID MEMORY_BYTES

It reads one JSON array per line, (gold, answer, relative_tolerance), and answers with a JSON array,
(equal, error). A plain script: whoever imports the grader needs no `if __name__ == "__main__"`, and
it works from a notebook.
"""

import contextlib
import json
import os
import resource
import signal
import socket
import sys
import threading
import time
from pathlib import Path

GOLD_UNREADABLE = "gold cannot be read"
TASKS_PER_CACHE = 200
# what SymPy loads late, and what the parser learns of its grammar as it goes
WARM_UP = (
    ("2x", "x+x"),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}"),
    ("(x+1)^{2}-y", "x^{2}+2x+1-y"),
    (r"2\pi+\sin(x)", r"\sin(x)+\pi*2"),
    (r"\log_{2}{8}", "3"),
    ("e^{2}i", "i*e^{2}"),
)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    channel = socket.socket(fileno=int(sys.argv[1]))
    threading.Thread(target=_end_with, args=(int(sys.argv[2]),), daemon=True).start()

    from sympy.core.cache import clear_cache

    from cotdistil.grading.algebra.symbolic import compare_symbolically

    for gold, answer in WARM_UP:
        compare_symbolically(gold, answer, None)
    _limit_memory(int(sys.argv[3]))
    gone = contextlib.suppress(ConnectionError)  # the parent, killed or closed
    with gone, channel, channel.makefile("r", encoding="utf-8") as tasks:
        channel.sendall(b"ready\n")
        for count, line in enumerate(tasks, 1):
            channel.sendall(json.dumps(_outcome(json.loads(line))).encode() + b"\n")
            if count % TASKS_PER_CACHE == 0:
                clear_cache()


def _outcome(task: list) -> tuple[bool | None, str | None]:
    from cotdistil.grading.algebra.symbolic import UnreadableGoldError, compare_symbolically

    try:
        return compare_symbolically(*task), None
    except UnreadableGoldError as error:
        return None, f"{GOLD_UNREADABLE}: {error}"
    except MemoryError:
        return None, "memory"
    except Exception as error:
        return None, f"error: {type(error).__name__}: {str(error)[:200]}"


def _limit_memory(more: int) -> None:
    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + more, now + more))


def _end_with(parent: int) -> None:
    """A worker in a long computation must not outlive a parent that was killed."""
    while os.getppid() == parent:
        time.sleep(1.0)
    with contextlib.suppress(OSError):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
