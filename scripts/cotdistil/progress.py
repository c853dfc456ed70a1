"""Progress of one job, for a person who watches: what, how far, how long still.

Lines go to standard output, which a rule leaves on the terminal; everything else a command says
goes to its log.
"""

import sys
import time

_SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Prints `sft   smollm2-135m · long · seed 0   12/56 steps   21%   1m10s left`."""

    def __init__(self, stage: str, name: str):
        self._head = f"{stage:<13} {name}"
        self._started = time.monotonic()
        self._last_line = 0.0
        self._first: tuple[float, int] | None = None

    def show(self, done: int, total: int, unit: str) -> None:
        """Print a line unless one was printed a moment ago. `done` and `total` count `unit`s."""
        now = time.monotonic()
        if self._first is None:
            # Work taken over from an earlier run, and loading, say nothing about the speed.
            self._first = (now, done)
        if done < total and now - self._last_line < _SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        share = f"{done / total:4.0%}" if total else "   –"
        self.tell(f"{done}/{total} {unit}  {share}{self._time_left(now, done, total)}")

    def done(self) -> None:
        """Print the last line, with the time that the job took."""
        self.tell(f"done in {format_seconds(time.monotonic() - self._started)}")

    def tell(self, text: str) -> None:
        """Print one line about the job."""
        print(f"{self._head}  {text}", file=sys.stdout, flush=True)

    def _time_left(self, now: float, done: int, total: int) -> str:
        started, done_before = self._first or (now, done)
        if done <= done_before or done >= total:
            return ""
        left = (now - started) / (done - done_before) * (total - done)
        return f"  {format_seconds(left)} left"


def format_seconds(seconds: float) -> str:
    """`42s`, `3m05s`, `2h07m`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
