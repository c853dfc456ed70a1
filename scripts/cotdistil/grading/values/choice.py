"""Multiple choice answers."""

import re

CHOICE = re.compile(r"\(?(?:\\text\{)?([A-J])\}?\)?|\(?([a-j])\)")
# not "(A) or (B)", which normalises to "(A),(B)"
CHOICE_WITH_TEXT = re.compile(
    r"(?:\(([A-J])\)|([A-J])[.:)])(?![,;])(?!.*(?:\([A-J]\)|\b(?:no|not)\b|,[A-J]\b)).+"
)


def choice_letter(text: str, with_text: bool = False) -> str | None:
    """The letter of a multiple choice answer: `C`, `(C)`, `c)`; with_text also `C. 12`."""
    match = CHOICE.fullmatch(text)
    if match:
        return match[1] or match[2].upper()
    match = CHOICE_WITH_TEXT.fullmatch(text) if with_text else None
    return (match[1] or match[2]) if match else None
