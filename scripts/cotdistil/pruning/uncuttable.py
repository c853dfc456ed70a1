"""What no step may cut apart: code, formulas, tables and lists."""

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator

from cotdistil.pruning.lists import BLANK_LINES, find_lists

LONG_FORMULA = 1000
"""Characters up to which a `$$` may run over blank lines, if there is no prose in it."""

_FENCE = re.compile(r"^[ \t]*(?P<marks>`{3,}|~{3,})(?P<info>[^\n]*)$", re.MULTILINE)
_CODE_IN_LINE = re.compile(r"(?<!`)(`{1,3})(?!`)[^`\n]+\1(?!`)")
# A row break comes first, so that the "[2pt]" after one does not open a formula.
_MATH = re.compile(r"\\\\|\\(begin|end)\{([^{}\n]{1,40})\}|\$\$|\\[\[\]()]")
# A "$" before a blank opens no formula, and one before a digit only with a sign of a formula behind
# it and nothing blank before its closer: "$5 = $2 + $3" are amounts of money.
_DOLLARS = re.compile(
    r"(?<![\\$\w])\$(?:(?![\s\d$])(?:[^$\n\\]|\\.)*"
    r"|(?=\d[^$\n]*[\\^=_!+<>*×·÷])(?:[^$\n\\]|\\.)*(?<![\s(\[]))\$(?![\w$])"
)
_TEXT_IN_FORMULA = re.compile(r"\\(?:text|textbf|textit|mbox)\{[^{}]*\}")
_PROSE = re.compile(r"[^\W\d_]{2,}(?:[ \t,]+[^\W\d_]{2,}){2}")
_TABLE = re.compile(r"(?:^[ \t]*\|.*\|[ \t\r]*$\n?){2,}", re.MULTILINE)


def find_uncuttable(text: str) -> list[tuple[int, int]]:
    """What is never cut: disjoint (start, end) in characters, ascending.

    Fenced code and code in a line, `\\begin…\\end`, `$$…$$`, `\\[…\\]`, `\\(…\\)`, `$…$`, the rows
    of a table, and lists as in `find_lists`. What is not closed protects nothing; a blank line
    closes a `\\(`, as it does in TeX, and a `$$` that is long or has prose in it (`LONG_FORMULA`);
    the end of the line closes a `$`. Time is linear in the length, but for sorting.
    """
    fenced = list(_fenced(text))
    blocks = [*fenced, *_formulas(text, fenced), *find_lists(text)]
    for pattern in (_CODE_IN_LINE, _DOLLARS, _TABLE):
        blocks += (found.span() for found in pattern.finditer(text))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(blocks):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _fenced(text: str) -> Iterator[tuple[int, int]]:
    """Code blocks, each from a fence to the next that closes it, as CommonMark has it.

    That is one of the same character, at least as long, with nothing behind it. What stands behind
    an opening fence of backticks has no backtick: "```x = 1```" is code in a line.
    """
    done = 0
    for fence, closer in _with_closers(list(_FENCE.finditer(text))):
        opens = fence["marks"][0] == "~" or "`" not in fence["info"]
        if opens and closer is not None and fence.start("marks") >= done:
            done = closer.end("marks")
            yield fence.start("marks"), done


def _with_closers(
    fences: list[re.Match[str]],
) -> Iterator[tuple[re.Match[str], re.Match[str] | None]]:
    """Each fence, in its order, with the next that would close it."""
    # Behind a fence, by character: closers, the nearest last, each shorter than the one before it.
    behind: dict[str, list[re.Match[str]]] = {"`": [], "~": []}
    found = []
    for fence in reversed(fences):
        marks = fence["marks"]
        closers = behind[marks[0]]
        long_enough = bisect_right(closers, -len(marks), key=lambda closer: -len(closer["marks"]))
        found.append(closers[long_enough - 1] if long_enough else None)
        if not fence["info"].strip():
            while closers and len(closers[-1]["marks"]) <= len(marks):
                closers.pop()
            closers.append(fence)
    yield from zip(fences, reversed(found), strict=True)


def _formulas(text: str, fenced: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Formulas and environments outside code, each from its opener to its own closer."""
    open_at: dict[str, list[int]] = defaultdict(list)
    for mark in _marks_outside(text, fenced):
        kind = mark[2] or {"]": "[", ")": "("}.get(mark[0][-1], mark[0][-1])
        before = open_at[kind]
        if kind in "$(" and before and _closed_by_blank_line(text, before[-1], mark):
            before.clear()
        opens = not before if kind == "$" else mark[1] == "begin" or mark[0] in ("\\[", "\\(")
        if opens and kind == "(":
            before.clear()
        if opens:
            before.append(mark.start())
        elif before:
            yield before.pop(), mark.end()


def _closed_by_blank_line(text: str, start: int, mark: re.Match[str]) -> bool:
    """Whether the `$$` or `\\(` at `start` ends before `mark`."""
    if not BLANK_LINES.search(text, start, mark.start()):
        return False
    if mark[0] != "$$" or mark.end() - start > LONG_FORMULA:
        return True
    return bool(_PROSE.search(_TEXT_IN_FORMULA.sub("", text[start : mark.start()])))


def _marks_outside(text: str, fenced: list[tuple[int, int]]) -> Iterator[re.Match[str]]:
    starts = [start for start, _ in fenced]
    for mark in _MATH.finditer(text):
        code = bisect_right(starts, mark.start()) - 1
        if mark[0] != "\\\\" and (code < 0 or mark.start() >= fenced[code][1]):
            yield mark
