"""What no step may cut apart: code, formulas, tables and lists."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from cotdistil.pruning.lists import BLANK_LINES, find_lists

_FENCE = re.compile(r"^[ \t]*(`{3,}|~{3,})([^\n]*)$", re.MULTILINE)
# A row break comes first, so that the "[2pt]" after one does not open a formula.
_MATH = re.compile(r"\\\\|\\(begin|end)\{([^{}\n]{1,40})\}|\$\$|\\[\[\]()]")
# An amount of money ("$5") opens no formula, and neither does a "$" before a blank.
_DOLLARS = re.compile(r"(?<![\\$\w])\$(?![\s\d$])(?:[^$\n\\]|\\.)*\$(?![\w$])")
_TABLE = re.compile(r"(?:^[ \t]*\|.*\|[ \t\r]*$\n?){2,}", re.MULTILINE)


def find_uncuttable(text: str) -> list[tuple[int, int]]:
    """What is never cut: disjoint (start, end) in characters, ascending.

    Fenced code, `\\begin…\\end`, `$$…$$`, `\\[…\\]`, `\\(…\\)`, `$…$`, the rows of a table, and
    lists as in `find_lists`. What is not closed protects nothing; a blank line closes a `$$` or a
    `\\(`, as it does in TeX, and the end of the line a `$`. Time is linear in the length.
    """
    fenced = list(_fenced(text))
    blocks = [*fenced, *_formulas(text, fenced), *find_lists(text)]
    blocks += (found.span() for found in (*_DOLLARS.finditer(text), *_TABLE.finditer(text)))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(blocks):
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


def _formulas(text: str, fenced: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Formulas and environments outside code, each from its opener to its own closer."""
    open_at: dict[str, list[int]] = defaultdict(list)
    for mark in _marks_outside(text, fenced):
        kind = mark[2] or {"]": "[", ")": "("}.get(mark[0][-1], mark[0][-1])
        before = open_at[kind]
        if kind in "$(" and before and BLANK_LINES.search(text, before[-1], mark.start()):
            before.clear()
        opens = not before if kind == "$" else mark[1] == "begin" or mark[0] in ("\\[", "\\(")
        if opens and kind == "(":
            before.clear()
        if opens:
            before.append(mark.start())
        elif before:
            yield before.pop(), mark.end()


def _marks_outside(text: str, fenced: list[tuple[int, int]]) -> Iterator[re.Match[str]]:
    starts = [start for start, _ in fenced]
    for mark in _MATH.finditer(text):
        code = bisect_right(starts, mark.start()) - 1
        if mark[0] != "\\\\" and (code < 0 or mark.start() >= fenced[code][1]):
            yield mark
