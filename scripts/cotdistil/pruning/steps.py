"""The thinking of a trace, cut into steps at places where a reader would pause.

arXiv 2505.18440 lets a 14B model segment the thinking, with a prompt that is not published. This
is a rule instead: the same steps on every machine, and no second model. `windows.py` has a model
do it.
"""

import re
from collections.abc import Iterator
from itertools import pairwise

from cotdistil.pruning.lists import BLANK_LINES
from cotdistil.pruning.reflections import REFLECTION
from cotdistil.pruning.uncuttable import find_uncuttable

LONG_PARAGRAPH = 600
"""Characters from which a paragraph is several steps, cut at its sentences and lines."""

# One character of punctuation, not a run: a run of dots is then read once, not once per dot.
_PAUSE = re.compile(r"[.!?][\"'”’)\]*_]{0,4}\s+|[。！？]\s*|\n\s*")
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|cf|vs|eqs?|fig|resp|approx)\.$", re.IGNORECASE)
_ENUMERATOR = re.compile(r"(?:^|\n)[ \t]*(?:\d{1,3}|[A-Za-z])\.$")
# "5!", "(n - 1)!", "n!"
_FACTORIAL = re.compile(r"(?:[\d)\]}]|(?<![^\W_])[A-Za-z])!$")
_CONTEXT = 16  # characters before a pause that decide whether a sentence ends there


def split_steps(thinking: str) -> list[str]:
    """Cuts `thinking` at its `step_ends`; joined with nothing between, the steps are it again."""
    return [thinking[a:b] for a, b in pairwise([0, *step_ends(thinking)])]


def step_ends(thinking: str) -> list[int]:
    """Where each step of `thinking` ends, in characters; [] if it is "".

    A step ends at a blank line; before a sentence or line that opens a reflection ("Wait",
    "Alternatively", "Let me double-check"); and, where there is no blank line at all or a
    paragraph is longer than `LONG_PARAGRAPH`, at every sentence and line. White space stays with
    the step before it. Code, formulas, tables and lists are never cut (`find_uncuttable`); "!" ends
    a sentence after a digit, a bracket or a lone letter only if a word follows it: "5! = 120".
    Time is linear in the length.
    """
    return _ends(thinking, LONG_PARAGRAPH)


def piece_ends(thinking: str) -> list[int]:
    """The same for the finest cut: every sentence and line, whatever its paragraph's length.

    Every end of a step is also the end of a piece.
    """
    return _ends(thinking, 0)


def _ends(text: str, long_paragraph: int) -> list[int]:
    if not text:
        return []
    start = len(text) - len(text.lstrip())
    cuts = _outside(_candidates(text, start, long_paragraph), find_uncuttable(text))
    return [*(cut for cut in cuts if start < cut < len(text)), len(text)]


def _candidates(text: str, start: int, long_paragraph: int) -> Iterator[int]:
    """Places where a step may begin, ascending. start: the first character that is not blank."""
    paragraphs = [m.end() for m in BLANK_LINES.finditer(text)]
    without_paragraphs = not any(start < end < len(text) for end in paragraphs)
    begin = 0
    for end in [*paragraphs, len(text)]:
        fine = without_paragraphs or end - begin > long_paragraph
        for pause in _PAUSE.finditer(text, begin, end):
            cut = pause.end()
            if cut < end and (
                REFLECTION.match(text, cut) or (fine and _sentence_ends(text, pause))
            ):
                yield cut
        yield end
        begin = end


def _sentence_ends(text: str, pause: re.Match[str]) -> bool:
    if pause[0][0] in "\n。！？":
        return True
    if text[pause.end()].islower():
        return False
    before = text[max(0, pause.start() + 1 - _CONTEXT) : pause.start() + 1]
    if _FACTORIAL.search(before) and "\n" not in pause[0]:
        return text[pause.end()].isalpha()
    return not (_ABBREVIATION.search(before) or _ENUMERATOR.search(before))


def _outside(cuts: Iterator[int], blocks: list[tuple[int, int]]) -> Iterator[int]:
    block = 0
    for cut in cuts:
        while block < len(blocks) and blocks[block][1] <= cut:
            block += 1
        if block == len(blocks) or cut <= blocks[block][0]:
            yield cut
