"""A second opinion on verdicts: math-verify, in a child process with its own Python environment.

It is kept apart because its antlr 4.13 and the antlr 4.7 of the grader's own LaTeX reader cannot be
installed together; `make math-verify` sets its environment up.
"""

import json
import math
import os
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path

from cotdistil.errors import UserError
from cotdistil.grading.second_opinions import math_verify_process

PYTHON_VARIABLE = "COTDISTIL_MATH_VERIFY_PYTHON"
PROJECT = Path(__file__).resolve().parents[4]
PROCESS = Path(math_verify_process.__file__)
# Pairs that are sent ahead, so that the child need not wait for the next one; few enough bytes for
# the socket to take, so that sending never waits for the child.
IN_FLIGHT = 8
IN_FLIGHT_BYTES = 2**14
WALL_FACTOR = 5.0  # the child counts CPU time; one that sleeps is ended by the clock
START_SECONDS = 120.0  # it imports SymPy; on a busy machine that takes a while
KEPT_VARIABLES = ("PATH", "HOME", "LD_LIBRARY_PATH")  # no token reaches the child

Gold = str | int | float | list


@dataclass(frozen=True)
class Opinion:
    """What math-verify says of one answer; `correct` is None where it said nothing.

    `error`: "timeout", "memory", "the gold answer cannot be read", "error: ..."; beside a verdict
    of False, what kept the answer from being read or compared.
    """

    correct: bool | None
    error: str | None = None


class MathVerify:
    """Ask math-verify about pairs of gold and answer; a context manager that ends its process.

    `timeout`: seconds of CPU time per pair. `version`: of math-verify, once it was asked.
    `python`, `script`: the child's interpreter and program. Raises `UserError` where math-verify is
    not installed.
    """

    def __init__(self, timeout: float = 2.0, python: Path | None = None, script: Path = PROCESS):
        if not 0 < timeout < math.inf:
            raise ValueError(f"timeout is {timeout}; expected more than 0 s")
        self.timeout = timeout
        self.version: str | None = None
        self._python = python or math_verify_python()
        self._script = script
        self._child: _Child | None = None

    def __enter__(self) -> "MathVerify":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process. A later question starts it again."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def opinions(self, pairs: Iterable[tuple[Gold, str]]) -> Iterator[Opinion]:
        """An opinion for each (gold, answer), in their order, while `pairs` are still being read.

        A list of gold answers holds alternatives, any of which is right. A pair that breaks its
        process gets a new one, once: what earlier pairs left in memory must not decide it.
        """
        requests = (_request(gold, answer) for gold, answer in pairs)
        waiting: deque[bytes] = deque()
        try:
            while True:
                waiting.extend(islice(requests, IN_FLIGHT - len(waiting)))
                if not waiting:
                    return
                opinion = self._ask_first(waiting)
                waiting.popleft()
                yield opinion
        finally:
            if waiting:  # its replies would be taken for those of the next questions
                self.close()

    def _ask_first(self, waiting: deque[bytes]) -> Opinion:
        while True:
            if self._child is None:
                self._child = _Child(self._python, self._script, self.timeout)
                self.version = self._child.version
            opinion = self._child.ask_first(waiting)
            if self._child.usable:
                return opinion
            final = self._child.answered == 0 or opinion.error == "timeout"
            self.close()
            if final:
                return opinion


class _Child:
    """One process. `answered`: how many pairs it has answered; `usable`: it can answer more."""

    def __init__(self, python: Path, script: Path, timeout: float):
        self.answered = 0
        self.usable = True
        self._sent: deque[int] = deque()  # bytes of the pairs that are sent and not answered
        self._socket, theirs = socket.socketpair()
        # A fixed seed for hashes: the order of sets is the same in every process. `-P` keeps the
        # script's folder, with its many common names, out of the import path.
        kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
        self._process = subprocess.Popen(
            [python, "-P", "-s", script, str(timeout)],
            stdin=theirs,
            stdout=theirs,
            env={**kept, "PYTHONHASHSEED": "0"},
        )
        theirs.close()
        self._replies = self._socket.makefile("rb")
        self._socket.settimeout(START_SECONDS)
        try:
            hello = self._read()
        except OSError as error:
            self.end()
            raise UserError(
                f"{python} {script}: did not start ({error}); its own message is above; run 'make"
                " math-verify' again"
            ) from None
        if "missing" in hello:
            self.end()
            raise UserError(
                f"{python}: cannot import math-verify ({hello['missing']}); expected a Python that"
                f" has the pins of envs/math-verify.txt; run 'make math-verify', or point"
                f" {PYTHON_VARIABLE} to one"
            )
        self.version = hello["version"]
        self._socket.settimeout(WALL_FACTOR * timeout)

    def ask_first(self, waiting: deque[bytes]) -> Opinion:
        """The opinion on the first pair; those behind it are sent ahead."""
        self.usable = False
        try:
            for request in islice(waiting, len(self._sent), None):
                if self._sent and sum(self._sent) + len(request) > IN_FLIGHT_BYTES:
                    break
                self._socket.sendall(request)
                self._sent.append(len(request))
            opinion = Opinion(**self._read())
        except TimeoutError:
            return Opinion(None, "timeout")
        except OSError:
            self.end()
            code = self._process.returncode
            cpu_limit = code == -signal.SIGXCPU
            return Opinion(None, "timeout" if cpu_limit else f"error: ended with code {code}")
        if opinion.error != "memory":
            self.usable = True
            self.answered += 1
            self._sent.popleft()
        return opinion

    def end(self) -> None:
        self._replies.close()
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _read(self) -> dict:
        line = self._replies.readline()
        if not line.endswith(b"\n"):
            raise ConnectionError("it ended")
        return json.loads(line)


def math_verify_python() -> Path:
    """The interpreter that has math-verify. Raises `UserError` if there is none."""
    named = os.environ.get(PYTHON_VARIABLE)
    python = Path(named) if named else PROJECT / ".venv-math-verify" / "bin" / "python"
    if python.is_file():
        return python
    place = f"{PYTHON_VARIABLE}: found '{named}', which is not there" if named else f"no {python}"
    raise UserError(
        f"{place}; expected the Python that math-verify is installed for; run 'make math-verify',"
        f" or point {PYTHON_VARIABLE} to a Python that has the pins of envs/math-verify.txt"
    )


def _request(gold: Gold, answer: str) -> bytes:
    golds = [_text(each) for each in (gold if isinstance(gold, list | tuple) else [gold])]
    return json.dumps({"gold": golds, "answer": answer}).encode() + b"\n"


def _text(gold: str | int | float) -> str:
    """LaTeX reads `1e-05` as a product, so a number is written out."""
    if isinstance(gold, float) and math.isfinite(gold):
        return f"{Decimal(repr(gold)).normalize():f}"
    return str(gold)
