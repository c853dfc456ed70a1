"""Where the thinking ends and the answer begins in a model's response."""

from dataclasses import dataclass
from typing import Literal

OPEN = "<think>"
CLOSE = "</think>"


@dataclass(frozen=True)
class Response:
    """A response in two parts.

    `thinking` is None when the text has no think tag. `think` says how the block ended:
    "closed", "unclosed" (the model never came to an answer, which is then ""), or "none".
    """

    thinking: str | None
    answer: str
    think: Literal["closed", "unclosed", "none"]


def split_response(text: str) -> Response:
    """Split at the last `</think>`; the opening tag may be missing (DeepSeek-R1, QwQ-32B).

    Of the line breaks around the tags, those that `join_response` writes are removed; all other
    characters are kept. A think block that opens again after the last `</think>` is unclosed.
    """
    before, close, after = text.rpartition(CLOSE)
    if OPEN in after:
        if not close:
            preamble, _, thinking = after.partition(OPEN)
            return Response(preamble.lstrip() + thinking.removeprefix("\n"), "", "unclosed")
        return Response(_without_opening(text), "", "unclosed")
    if not close:
        return Response(None, text, "none")
    thinking = _without_opening(before).removesuffix("\n")
    return Response(thinking, after.removeprefix("\n").removeprefix("\n"), "closed")


def join_response(thinking: str | None, answer: str) -> str:
    """The canonical form: `<think>`, thinking, `</think>`, an empty line, answer.

    Without thinking (None) it is the answer alone. Raises ValueError if the answer has a think
    tag, because it could not be split again.
    """
    for tag in (OPEN, CLOSE):
        if tag in answer:
            raise ValueError(
                f"an answer contains {tag!r} at character {answer.index(tag)}; the tag may stand "
                "in the thinking only; take the answer from split_response"
            )
    if thinking is None:
        return answer
    return f"{OPEN}\n{thinking}\n{CLOSE}\n\n{answer}"


def _without_opening(text: str) -> str:
    stripped = text.lstrip()
    if not stripped.startswith(OPEN):
        return text
    return stripped.removeprefix(OPEN).removeprefix("\n")
