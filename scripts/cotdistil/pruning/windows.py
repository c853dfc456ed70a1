"""Thinking shown to a model in numbered pieces, and the steps that its answer makes of them."""

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise

from cotdistil.pruning.steps import piece_ends, step_ends
from cotdistil.response_formats import normalise_response
from cotdistil.teaching.teacher import Answer

NO_NUMBER = "no list of numbers in the answer"
CUT_OFF = "answer cut off"
TOO_LONG = "longer than the model's context"
INDENT = " " * 4  # a piece may hold lines that look like the beginning of another, such as "[5] x"
# Longer numbers are no piece's, and Python refuses to read those of thousands of digits.
_NUMBER = re.compile(r"[0-9]{1,9}")
_NUMBERS = re.compile(
    r"[0-9]{1,9}(?:[\s,;&#*()\[\]{}]+(?:and[\s#*(\[]+)?[0-9]{1,9})*[\s,;*()\[\]{}.`'\"]*"
)
_NOTHING_BEFORE = re.compile(r"(?:[-*•]\s+)?[\s#*(\[{`'\"]*")
_BETWEEN = re.compile(r"[\s:：#*(\[{`'\"]\Z")


@dataclass(frozen=True)
class Window:
    """A part of one trace's thinking: steps by rule that follow each other, and their pieces.

    pieces: their texts. piece_ends: where each ends, in characters of the whole thinking.
    rule_ends: where each step by rule ends; every one is also the end of a piece.
    """

    pieces: list[str]
    piece_ends: list[int]
    rule_ends: list[int]

    @property
    def is_asked(self) -> bool:
        """Whether there is something to ask: a single piece is a single step."""
        return len(self.pieces) > 1

    def question(self) -> str:
        """The pieces with their numbers, from 1; only a line that a piece begins with has one."""
        indented = (f"\n{INDENT}".join(piece.strip().splitlines()) for piece in self.pieces)
        return "\n".join(f"[{n}] {piece}" for n, piece in enumerate(indented, 1))

    def ends_by(self, answer: Answer) -> tuple[list[int], str]:
        """Where the steps end by an answer, and why they are those of the rule, or "".

        The first piece always begins a step. Numbers that no piece has are passed over.
        """
        if answer.error is not None:
            return self.rule_ends, TOO_LONG
        if answer.finish_reason == "length":
            return self.rule_ends, CUT_OFF
        first = first_pieces(answer.text, len(self.pieces))
        if not first:
            return self.rule_ends, NO_NUMBER
        ends = [self.piece_ends[number - 2] for number in first if number > 1]
        return [*ends, self.piece_ends[-1]], ""


def first_pieces(text: str, pieces: int) -> list[int]:
    """The numbers from 1 to `pieces` that a model listed behind its thinking, ascending.

    Read are lines of bare numbers ("1, 4 and 7", "[3]"), as many as follow each other; of several
    such lists the last. Where there is none it is the only line in which words without a digit come
    before at least two numbers ("Steps begin at: 1, 4"). In all else a number may be that of a
    step, the end of a range or a count: [].
    """
    bare: list[list[str]] = []
    worded: list[list[str]] = []
    goes_on = False
    for line in normalise_response(text).answer.splitlines():
        if not line.strip():
            continue
        before, numbers = _split_at_number(line)
        is_bare = bool(numbers) and _NOTHING_BEFORE.fullmatch(before) is not None
        if is_bare and goes_on:
            bare[-1] += numbers
        elif is_bare:
            bare.append(numbers)
        elif len(numbers) > 1 and _BETWEEN.search(before) and any(map(str.isalpha, before)):
            worded.append(numbers)
        goes_on = is_bare
    lists = bare or (worded if len(worded) == 1 else [])
    found = {int(number) for each in lists[-1:] for number in each}
    return sorted(found & {*range(1, pieces + 1)})


def _split_at_number(line: str) -> tuple[str, list[str]]:
    """What stands before the first digit, and the numbers if nothing else stands behind it."""
    first = _NUMBER.search(line)
    if not first or not _NUMBERS.fullmatch(line, first.start()):
        return line, []
    return line[: first.start()], _NUMBER.findall(line, first.start())


def make_windows(thinking: str, characters: int) -> list[Window]:
    """The windows of a trace's thinking, which is not "", one behind the other.

    A window ends where a step by rule does, since its end is the end of a step whatever the model
    says. A step by rule that is longer than `characters` has a window of its own.
    """
    rule, pieces = step_ends(thinking), piece_ends(thinking)
    edges = [0]
    for before, end in pairwise([0, *rule]):
        if before > edges[-1] and end - edges[-1] > characters:
            edges.append(before)
    windows = []
    for start, end in pairwise([*edges, len(thinking)]):
        ends = _within(pieces, start, end)
        texts = [thinking[a:b] for a, b in pairwise([start, *ends])]
        windows.append(Window(texts, ends, _within(rule, start, end)))
    return windows


def _within(ends: list[int], start: int, end: int) -> list[int]:
    return ends[bisect_right(ends, start) : bisect_right(ends, end)]
