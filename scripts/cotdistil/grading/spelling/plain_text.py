"""Plain words, spaces and the commas of large numbers."""

import re

from cotdistil.grading.spelling.macros import FUNCTIONS, INFINITY
from cotdistil.grading.values.units import WORDS as UNIT_WORDS

WORDS = re.compile(r"(\\text\{[^{}]*\})")
ADJACENT = re.compile(r"\\text\{([^{}]*)\}\\text\{([^{}]*)\}")
LINKS_AND_UNITS = UNIT_WORDS | {"of", "or", "the", "at", "in", "on", "to", "for", "by", "per"}
GROUPED = r"[1-9][0-9]{0,2}(?:,[0-9]{3})+"


def without_thousands(text: str) -> str:
    r"""Take the commas out of `1,000`, unless they may separate: inside brackets, or the whole."""
    if "," not in text or re.fullmatch(rf"[+-]?{GROUPED}", text):
        return text
    depth, out, last = 0, [], 0
    for match in re.finditer(r"[0-9][0-9,]*|\\.|[(\[{)\]}]", text):
        piece = match.group()
        if piece[0] not in "0123456789":
            depth += (piece in ("(", "[", "{", r"\{")) - (piece in (")", "]", "}", r"\}"))
            continue
        run = piece.rstrip(",")
        if depth == 0 and re.fullmatch(GROUPED, run):
            out.append(text[last : match.start()] + run.replace(",", ""))
            last = match.start() + len(run)
    return "".join(out) + text[last:]


def named_words(text: str) -> str:
    r"""Give plain words their macro: `sqrt(2)`, `pi`, `oo`, `5 miles`."""
    out, last = [], 0
    for match in re.finditer(r"\\text\{[^{}]*\}|\\(?:begin|end)\{[^{}]*\}|\\?[A-Za-z]{2,}", text):
        word = match.group()
        if word[0] == "\\" or "{" in word:
            continue
        preceding = text[: match.start()].rstrip()
        before = preceding[-1:]
        is_behind_word = bool(out) and text[last : match.start()] in (" ", "/")
        is_behind_value = before.isdigit() or before == "}" or preceding.endswith(r"\pi")
        if word in FUNCTIONS:
            new = "\\" + word
        elif word in INFINITY:
            new = r"\infty"
        elif word == "pi":
            new = r"\pi"
        elif (
            len(word) > 3
            or (is_behind_word and len(word) == 3)
            or (word.lower() in LINKS_AND_UNITS and (is_behind_value or is_behind_word))
        ):
            new = rf"\text{{{cased(word)}}}"
        else:
            continue
        out.append(text[last : match.start()] + new)
        last = match.end()
    return "".join(out) + text[last:]


def without_spaces(text: str) -> str:
    r"""Take out the spaces, but not in `\pi r`; words keep theirs as `~`, and join up."""
    if " " not in text and r"}\text" not in text and "**" not in text:
        return text
    pieces = WORDS.split(text)
    pieces[0::2] = [_tight(piece) for piece in pieces[0::2]]
    pieces[1::2] = [piece.replace(" ", "~") for piece in pieces[1::2]]
    joined, count = "".join(pieces), 1
    while count:
        joined, count = ADJACENT.subn(r"\\text{\1~\2}", joined)
    return joined


def _tight(piece: str) -> str:
    kept = re.sub(r"(\\[A-Za-z]+) +(?=[A-Za-z])", "\\1\0", piece)
    return kept.replace(" ", "").replace("\0", " ").replace("**", "^")


def cased(words: str) -> str:
    """Lower case, unless it is letters only: `AB` is a segment and not `ab`."""
    return words.lower() if re.search(r"\b(?!and\b)[A-Za-z]{3}", words) else words
