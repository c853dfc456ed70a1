"""The thinking of a trace, cut into steps at places where a reader would pause.

arXiv 2505.18440 lets a 14B model segment the thinking, with a prompt that is not published. This
is a rule instead: the same steps on every machine, and no second model.
"""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

LONG_PARAGRAPH = 600
"""Characters from which a paragraph is several steps, cut at its sentences and lines."""

_BLANK_LINES = re.compile(r"\n[ \t\r]*\n\s*")
# One character of punctuation, not a run: a run of dots is then read once, not once per dot.
_PAUSE = re.compile(r"[.!?][\"'”’)\]*_]{0,4}\s+|[。！？]\s*|\n\s*")
_OPENER = re.compile(
    r"\W{0,4}(?:(?:but|oh|no|and|ok|okay|so|hmm+|now)\b[,.\s]{1,3})?"
    r"(?:wait\b|hmm+\b|hold on\b|alternatively\b|actually\b|on second thought\b|"
    r"another (?:way|approach|method)\b|let(?:'s|’s| me| us)(?: \w+)? "
    r"(?:double[- ]?check|check|verify|re-?check|re-?verify|re-?consider|re-?examine|re-?think|"
    r"think again|try again|go over|see if|make sure|confirm)\b|"
    r"double[- ]?check|to double[- ]?check\b|just to (?:be sure|check|verify|confirm)\b|"
    r"is that (?:right|correct)\b)",
    re.IGNORECASE,
)
_ABBREVIATION = re.compile(r"(?:^|[\s(])(?:e\.g|i\.e|cf|vs|eqs?|fig|resp|approx)\.$", re.IGNORECASE)
_ENUMERATOR = re.compile(r"(?:^|\n)[ \t]*(?:\d{1,3}|[A-Za-z])\.$")
_CONTEXT = (
    16  # characters before a pause that decide whether it is an abbreviation or a list number
)
_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
# A row break comes first, so that the "[2pt]" after one does not open a formula.
_MATH = re.compile(r"\\\\|\\(begin|end)\{([^{}\n]{1,40})\}|\$\$|\\\[|\\\]")


def split_steps(thinking: str) -> list[str]:
    """Cuts `thinking` into steps; joined with nothing between, they are `thinking` again.

    A step ends at a blank line; before a sentence or line that opens a reflection ("Wait",
    "Alternatively", "Let me double-check"); and, where there is no blank line at all or a
    paragraph is longer than `LONG_PARAGRAPH`, at every sentence and line. White space stays with
    the step before it. Fenced code, `\\begin…\\end`, `$$…$$` and `\\[…\\]` are never cut; one that
    is not closed protects nothing, and a blank line closes a `$$`, as it does in TeX.
    Time is linear in the length.
    """
    if not thinking:
        return []
    start = len(thinking) - len(thinking.lstrip())
    candidates = _candidates(thinking, start)
    cuts = [c for c in _outside(candidates, _blocks(thinking)) if start < c < len(thinking)]
    edges = [0, *cuts, len(thinking)]
    return [thinking[a:b] for a, b in pairwise(edges)]


def _candidates(text: str, start: int) -> Iterator[int]:
    """Places where a step may begin, ascending. start: the first character that is not blank."""
    paragraphs = [m.end() for m in _BLANK_LINES.finditer(text)]
    without_paragraphs = not any(start < end < len(text) for end in paragraphs)
    begin = 0
    for end in [*paragraphs, len(text)]:
        fine = without_paragraphs or end - begin > LONG_PARAGRAPH
        for pause in _PAUSE.finditer(text, begin, end):
            cut = pause.end()
            if cut < end and (_OPENER.match(text, cut) or (fine and _sentence_ends(text, pause))):
                yield cut
        yield end
        begin = end


def _sentence_ends(text: str, pause: re.Match[str]) -> bool:
    if pause[0][0] in "\n。！？":
        return True
    if text[pause.end()].islower():
        return False
    before = text[max(0, pause.start() + 1 - _CONTEXT) : pause.start() + 1]
    return not (_ABBREVIATION.search(before) or _ENUMERATOR.search(before))


def _outside(cuts: Iterator[int], blocks: list[tuple[int, int]]) -> Iterator[int]:
    block = 0
    for cut in cuts:
        while block < len(blocks) and blocks[block][1] <= cut:
            block += 1
        if block == len(blocks) or cut <= blocks[block][0]:
            yield cut


def _blocks(text: str) -> list[tuple[int, int]]:
    """What is never cut: disjoint (start, end) in characters, ascending."""
    fenced = list(_fenced(text))
    merged: list[tuple[int, int]] = []
    for start, end in sorted([*fenced, *_displayed(text, fenced)]):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _fenced(text: str) -> Iterator[tuple[int, int]]:
    """Code blocks: from a fence to the next one like it that stands alone on its line."""
    fences = list(_FENCE.finditer(text))
    closers: dict[str, list[int]] = defaultdict(list)
    for fence in fences:
        if not fence[2].strip():
            closers[fence[1]].append(fence.start(1))
    done = 0
    for fence in fences:
        same = closers[fence[1]]
        nearest = bisect_right(same, fence.start(1))
        if fence.start(1) >= done and nearest < len(same):
            done = same[nearest] + len(fence[1])
            yield fence.start(1), done


def _displayed(text: str, fenced: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Displayed formulas and environments outside code, each from its opener to its own closer."""
    open_at: dict[str, list[int]] = defaultdict(list)
    for mark in _marks_outside(text, fenced):
        if mark[0] == "$$":
            before = open_at["$$"]
            if before and _BLANK_LINES.search(text, before[-1], mark.start()):
                before.clear()
            kind, opens = "$$", not before
        elif mark[1]:
            kind, opens = mark[2], mark[1] == "begin"
        else:
            kind, opens = "[", mark[0] == "\\["
        if opens:
            open_at[kind].append(mark.start())
        elif open_at[kind]:
            yield open_at[kind].pop(), mark.end()


def _marks_outside(text: str, fenced: list[tuple[int, int]]) -> Iterator[re.Match[str]]:
    starts = [start for start, _ in fenced]
    for mark in _MATH.finditer(text):
        code = bisect_right(starts, mark.start()) - 1
        if mark[0] != "\\\\" and (code < 0 or mark.start() >= fenced[code][1]):
            yield mark
