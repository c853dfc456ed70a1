r"""Where `\boxed{…}` stands in a text."""

import re

_BOX = re.compile(r"\\boxed[ \t\n]{0,8}\{")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)


def last_box(text: str) -> int | None:
    """Where the content of the last box begins, in characters; None without a box."""
    begin = None
    for found in _BOX.finditer(text):
        begin = found.end()
    return begin


def closing_brace(text: str, begin: int) -> int | None:
    r"""Where the brace stands that closes a box whose content begins at `begin`; None if none does.

    `\{` and `\}` are text. Time is linear in the length.
    """
    depth = 1
    for found in _BRACE.finditer(text, begin):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if depth == 0:
            return found.start()
    return None


def end_of_last_box(text: str) -> int | None:
    """The index behind the last box, or behind the outermost closed one that this is inside of.

    None where there is no box, or the last is not closed. Time is linear in the length.
    """
    boxes = {found.end() - 1 for found in _BOX.finditer(text)}
    last, end = max(boxes, default=None), None
    open_: list[int] = []
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            open_.append(found.start())
        elif found[0] == "}" and open_:
            begin = open_.pop()
            if begin == last or (end is not None and begin in boxes):
                end = found.end()
    return end
