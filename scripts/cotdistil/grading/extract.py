"""Find the final answer in a response."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from cotdistil.boxes import closing_brace, last_box
from cotdistil.responses import split_response

FALLBACKS = ("final_answer", "last_number")

ANSWER_IS = re.compile(r"\banswer(?: is|:)(?: equal to|:)?", re.IGNORECASE)
SENTENCE_END = re.compile(r"\n|\.(?=\s|$)")
NUMBER = re.compile(r"-?\$?[0-9][0-9,]*(?:\.[0-9]+)?|-?\$?\.[0-9]+")
MAX_SENTENCE = 400


@dataclass(frozen=True)
class Extraction:
    """`text` is None when there is no answer; `how` says where it came from, or why there is none.

    `how`: "boxed", "final_answer", "last_number", "no box", "empty box", "unfinished box" or
    "unclosed thinking".
    """

    text: str | None
    how: str


def extract_answer(response_text: str, fallback: Sequence[str] = ()) -> Extraction:
    r"""The content of the last `\boxed{...}` after the thinking.

    An empty or unfinished last box is no answer: an earlier one is a step that the model left.
    `fallback` names what may stand in, in this order, where there is no box at all:
    "final_answer" (what follows "answer is" or "answer:"), "last_number". Time is linear in the
    length of the text. Raises ValueError if a fallback is unknown.
    """
    unknown = [name for name in fallback if name not in FALLBACKS]
    if unknown:
        raise ValueError(
            f"fallback names {unknown[0]!r}; known fallbacks are {', '.join(FALLBACKS)}"
        )
    response = split_response(response_text)
    if response.think == "unclosed":
        return Extraction(None, "unclosed thinking")
    answer = response.answer
    begin = last_box(answer)
    if begin is not None:
        return _box_content(answer, begin)
    for name in fallback:
        found = _final_answer(answer) if name == "final_answer" else _last_number(answer)
        if found:
            return Extraction(found, name)
    return Extraction(None, "no box")


def _box_content(text: str, begin: int) -> Extraction:
    end = closing_brace(text, begin)
    if end is None:
        return Extraction(None, "unfinished box")
    content = text[begin:end].strip()
    return Extraction(content, "boxed") if content else Extraction(None, "empty box")


def _final_answer(text: str) -> str | None:
    start = -1
    for match in ANSWER_IS.finditer(text):
        start = match.end()
    if start < 0:
        return None
    sentence = text[start : start + MAX_SENTENCE].lstrip()
    end = SENTENCE_END.search(sentence)
    sentence = sentence[: end.start()] if end else sentence
    return sentence.strip(" \t*:") or None


def _last_number(text: str) -> str | None:
    last = None
    for match in NUMBER.finditer(text):
        last = match
    return last.group().replace("$", "").rstrip(",") if last else None
