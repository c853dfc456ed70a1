"""The child process of `math_verify_client.py`, in the Python environment of math-verify.

    .venv-math-verify/bin/python -P \
        scripts/cotdistil/grading/second_opinions/math_verify_process.py SECONDS

The first line out is {"version": ...}, or {"missing": ...} where math-verify cannot be imported.
Then each line {"gold": [text, ...], "answer": text} in gives a line {"correct", "error"} out.
"""

import importlib.metadata
import json
import logging
import math
import os
import resource
import signal
import sys
import time
from itertools import product

MEMORY = 2**30  # bytes above what the process has after its imports
SPARE_SECONDS = 2  # between the timer, which Python code obeys, and the kernel's end of the process
PAIRS_PER_CACHE = 500


class OutOfTimeError(BaseException):
    """Not an `Exception`: math-verify and SymPy catch those and go on."""


def main() -> None:
    timeout = float(sys.argv[1])
    replies = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints is no reply
    logging.disable()  # math-verify warns that its own time limits are off
    try:
        from sympy.core.cache import clear_cache

        verdict("x+x", ["2x"])  # loads what SymPy loads late
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), file=replies)
        raise SystemExit(1) from None
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent says when to end
    signal.signal(signal.SIGPROF, _out_of_time)
    _limit_memory()
    print(json.dumps({"version": importlib.metadata.version("math-verify")}), file=replies)
    for number, line in enumerate(sys.stdin, start=1):
        pair = json.loads(line)
        correct, error = limited_verdict(pair["answer"], pair["gold"], timeout)
        print(json.dumps({"correct": correct, "error": error}), file=replies)
        if number % PAIRS_PER_CACHE == 0:
            clear_cache()


def limited_verdict(
    answer: str, golds: list[str], timeout: float
) -> tuple[bool | None, str | None]:
    """`verdict` within `timeout` seconds of CPU time; without one there is only an error.

    A long computation in C does not see the timer; the kernel then ends the process (SIGXCPU).
    """
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    end = math.ceil(time.process_time() + timeout) + SPARE_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (end if hard < 0 else min(end, hard), hard))
    try:
        signal.setitimer(signal.ITIMER_PROF, timeout)
        try:
            return verdict(answer, golds)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0.0)
    except OutOfTimeError:
        return None, "timeout"
    except MemoryError:
        return None, "memory"
    except Exception as error:
        return None, f"error: {type(error).__name__}"


def verdict(answer: str, golds: list[str]) -> tuple[bool | None, str | None]:
    r"""What math-verify says of an answer: right if it equals any of the gold answers.

    Only its LaTeX reader is asked, for which both stand in \boxed{}: the reader of plain
    expressions hands text to SymPy's `parse_expr`, which runs Python. Its own limits of time are
    off, since a comparison that hits them would count as wrong without a word.
    """
    from math_verify import LatexExtractionConfig, parse, verify

    def read(text: str) -> list:
        boxed_first = [LatexExtractionConfig(boxed_match_priority=0)]
        return parse(f"\\boxed{{{text}}}", boxed_first, parsing_timeout=None)

    gold_values = [value for gold in golds for value in read(gold)]
    if not gold_values:
        return None, "the gold answer cannot be read"
    answer_values = read(answer)
    error = None if answer_values else "the answer cannot be read"
    for pair in product(gold_values, answer_values):
        try:
            if verify(*pair, timeout_seconds=None, raise_on_error=True):
                return True, None
        except MemoryError:
            raise
        except Exception as fault:
            # The name alone: to print what is in the fault can take for ever.
            error = f"not compared: {type(fault).__name__}"
    return False, error


def _out_of_time(*_: object) -> None:
    raise OutOfTimeError


def _limit_memory() -> None:
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
