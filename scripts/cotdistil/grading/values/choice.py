"""Multiple choice answers."""

import re

CHOICE = re.compile(r"\(?(?:\\text\{)?([A-J])\}?\)?|\(?([a-j])\)")
DRESS = re.compile(r"\\(?:text[a-z]*|mathrm|mathbf|mbox)\b|\\quad|\\[ ,;:!]|[{}$*~]")
WITH_TEXT = re.compile(r"(?:\(([A-J])\)[.:]?|([A-J])[.:)]) +(\S.*)", re.DOTALL)
# "(A) or (B)" hedges and "(A) is wrong" denies; the text of an option does neither
HEDGE = re.compile(
    r"(?:or|and|but|is|are|isn't|can|cannot|incorrect|wrong|false|neither|nor)\b|no,"
    r"|not +\(?[A-J]\b|\(?[A-J]\)?\Z|[-+=^*/<>,;]",
    re.IGNORECASE,
)


def choice_letter(text: str) -> str | None:
    """The letter of a normalised answer that is nothing else: `C`, `(C)`, `c)`."""
    match = CHOICE.fullmatch(text)
    return (match[1] or match[2].upper()) if match else None


def choice_with_text(answer: str) -> str | None:
    """The letter of an answer as it was written, also with its option: `C. 12`, `(C) 12`."""
    match = WITH_TEXT.fullmatch(" ".join(DRESS.sub(" ", answer).split()))
    if not match or HEDGE.match(match[3]):
        return None
    return match[1] or match[2]
