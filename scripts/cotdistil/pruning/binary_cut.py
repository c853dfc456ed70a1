"""The shortest prefix of a trace from which the student still answers correctly, by bisection.

The binary cutting of arXiv 2505.18440. A search is a state machine that asks for one prefix at a
time, so one round of all open searches is one batch for the engine: a corpus takes about
log2(steps) batches, however many traces it has.

The paper's loop bound, tie-breaks and fallback are not published. Chosen here:

- the middle of low..high is rounded down, so the shorter half is tried first;
- after an invalid prefix the search goes on above it, up to the shortest prefix known to be valid;
- the full trace is asked last and only if nothing shorter was valid; if it is invalid too, the
  trace is dropped (`invalid="drop"`: of the paper's 93,700 traces about 25,000 are left) or kept
  whole (`"keep"`).

Validity need not grow with length. The kept prefix is then one that was validated, but not
always the shortest such.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

TOO_FEW_STEPS = "too few steps"
CUT = "cut"
WHOLE = "whole"
NOT_VALIDATED = "full trace not validated"

Invalid = Literal["drop", "keep"]


class Cutter(Protocol):
    """A search over the prefixes of one trace."""

    result: int | None
    reason: str

    def next_length(self) -> int | None:
        """Steps of the prefix to validate next; None once the search is over."""

    def tell(self, valid: bool | None) -> None:
        """The verdict on the prefix that `next_length` named; None: too long to be asked about."""


@dataclass
class BinaryCut:
    """Bisection over the prefixes of `min_steps`..`n_steps` steps: at most ceil(log2 n) + 1 asked.

    Once `next_length()` is None, `result` is the number of steps kept (None: dropped) and
    `reason` says why. A trace of fewer than `min_steps_to_cut` steps is kept without asking.
    """

    n_steps: int
    min_steps: int = 1
    min_steps_to_cut: int = 2
    invalid: Invalid = "drop"
    result: int | None = field(default=None, init=False)
    reason: str = field(default="", init=False)
    _low: int = field(init=False, repr=False)
    _high: int = field(init=False, repr=False)
    _high_is_valid: bool = field(default=False, init=False, repr=False)

    def __post_init__(self) -> None:
        self._low = max(1, min(self.min_steps, self.n_steps))
        self._high = self.n_steps
        if self.n_steps < max(1, self.min_steps_to_cut):
            self.result, self.reason = self.n_steps, TOO_FEW_STEPS

    def next_length(self) -> int | None:
        """Steps of the prefix to validate next; None once the search is over."""
        return None if self.reason else (self._low + self._high) // 2

    def tell(self, valid: bool | None) -> None:
        """The verdict on the prefix that `next_length` named; None: too long to be asked about.

        After a prefix that is too long, the longest that is left takes the place of the full trace.
        """
        length = self.next_length()
        if length is None:
            raise RuntimeError("the search is over: no verdict was asked for")
        if valid:
            self._high, self._high_is_valid = length, True
        elif valid is None and not self._high_is_valid and length > self._low:
            self._high = length - 1
        elif length < self._high and (valid is not None or self._high_is_valid):
            self._low = length + 1
        else:
            self.result = self.n_steps if self.invalid == "keep" else None
            self.reason = NOT_VALIDATED
            return
        if self._low == self._high and self._high_is_valid:
            self.result = self._high
            self.reason = CUT if self._high < self.n_steps else WHOLE


@dataclass
class FullTrace:
    """Cuts nothing and asks only for the full trace.

    What it leaves was selected by on-policy validation alone: the control that tells the effect
    of shorter traces from that of a choice among them. A trace
    without steps is kept without asking, as by `BinaryCut`.
    """

    n_steps: int
    invalid: Invalid = "drop"
    result: int | None = field(default=None, init=False)
    reason: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if self.n_steps < 1:
            self.result, self.reason = self.n_steps, TOO_FEW_STEPS

    def next_length(self) -> int | None:
        """The full length, until its verdict is told."""
        return None if self.reason else self.n_steps

    def tell(self, valid: bool | None) -> None:
        """The verdict on the full trace; None: it is too long to be asked about."""
        self.result = self.n_steps if valid or self.invalid == "keep" else None
        self.reason = WHOLE if valid else NOT_VALIDATED


def cut_all(
    step_counts: Sequence[int],
    validate_round: Callable[[list[tuple[int, int]]], list[bool | None]],
    cutter: Callable[[int], Cutter] = BinaryCut,
) -> list[Cutter]:
    """One finished search per trace, in order.

    `step_counts`: steps per trace, shape (n,). `cutter` starts a search from a number of steps.
    `validate_round` gets the open searches of one round as (index of the trace, steps of the
    prefix), ascending by trace, and returns a verdict for each; it is called once per round.
    Raises `ValueError` if it returns another number of verdicts than it was asked for.
    """
    searches = [cutter(count) for count in step_counts]
    while True:
        asked = [(i, n) for i, s in enumerate(searches) if (n := s.next_length()) is not None]
        if not asked:
            return searches
        for (trace, _), valid in zip(asked, validate_round(asked), strict=True):
            searches[trace].tell(valid)


def most_rounds(step_counts: Sequence[int]) -> int:
    """Rounds that a bisection of these traces can take at most: ceil(log2 n) + 1 of the longest."""
    return (max(step_counts) - 1).bit_length() + 1 if step_counts and max(step_counts) > 0 else 0
