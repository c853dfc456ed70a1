"""One interface to the teachers that write answers: engines and endpoints."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Question:
    """One request to a teacher.

    id: unique; comes back with the answer. text: the problem's question.
    seed: of the sampling; unused by greedy decoding.
    """

    id: str
    text: str
    seed: int


@dataclass(frozen=True)
class Answer:
    """What a teacher wrote, or why it wrote nothing.

    text: as the teacher wrote it; None with an error.
    thinking: where the source sends it apart from the text, else None.
    finish_reason: "stop", "length" or what the source says.
    prompt_tokens, completion_tokens: as the source counts them, None where it does not say.
    error: why there is no answer, else None.
    """

    id: str
    text: str | None = None
    thinking: str | None = None
    finish_reason: str = "unknown"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error: str | None = None


class Teacher(Protocol):
    """What answers questions."""

    def answers(self, questions: Iterator[Question]) -> Iterator[Answer]:
        """One answer per question, in the order in which they finish.

        `questions` is read only as there is room; when it runs out it may have more after the next
        answer (a problem answered wrongly is asked again), so it is asked again after each answer,
        and the end is when it has none and nothing is under way.
        """
        ...

    def close(self) -> None: ...
