"""A training row as tokens: the rendered prompt, the response, the end of the turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cotdistil.boxes import end_of_last_box
from cotdistil.errors import UserError
from cotdistil.prompts import after_prompt, opened_thinking, render_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Example:
    """`input_ids`: prompt, then response; what comes after `prompt_length` tokens is learned."""

    input_ids: list[int]
    prompt_length: int


@dataclass
class Ledger:
    """What became of the rows of a training set; `rows_in == rows_out + sum(dropped.values())`.

    `over_length` counts the rows, tokens and final answers that the length limit took away,
    whether with the whole row (`drop`) or with the end of the response (`truncate`).
    """

    rows_in: int = 0
    rows_out: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    over_length: dict[str, int] = field(
        default_factory=lambda: {"rows": 0, "rows_truncated": 0, "tokens": 0, "answers": 0}
    )
    prompt_tokens: int = 0
    response_tokens: int = 0

    def drop(self, reason: str) -> None:
        self.dropped[reason] = self.dropped.get(reason, 0) + 1

    def lose(self, tokens: int, answer: bool) -> None:
        self.over_length["rows"] += 1
        self.over_length["tokens"] += tokens
        self.over_length["answers"] += answer


class ExampleMaker:
    """Turns rows into examples under one length policy and keeps the ledger.

    max_length: tokens of prompt, response and end of turn together.
    over_length: `drop` the row, `truncate` its response at the end, or `raise`.
    instruction: stands below every question, as in pruning and scoring.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        end_of_turn: int,
        max_length: int,
        over_length: str,
        instruction: str | None = None,
    ):
        self.tokenizer = tokenizer
        self.end_of_turn = end_of_turn
        self.max_length = max_length
        self.over_length = over_length
        self.instruction = instruction
        self.opened = opened_thinking(tokenizer)
        self.ledger = Ledger()

    def make(
        self, problem_id: str, question: str, response: str | None, unfinished: bool = False
    ) -> Example | None:
        """The example of one row, or None if the row is dropped.

        unfinished: the response stops before its end. Such a one, and one that is truncated here,
        does not end its turn. Raises `UserError` on a row that is too long where the policy is
        `raise`.
        """
        self.ledger.rows_in += 1
        if not response or not response.strip():
            self.ledger.drop("empty response")
            return None
        prompt = render_prompt(self.tokenizer, question, self.instruction)
        # A special token's name inside a response is text that somebody wrote, not the token.
        text = after_prompt(response, self.opened)
        learned = self.tokenizer(
            text, add_special_tokens=False, split_special_tokens=True
        ).input_ids
        if not unfinished:
            learned.append(self.end_of_turn)
        excess = len(prompt) + len(learned) - self.max_length
        if excess > 0:
            learned = self._shorten(problem_id, prompt, learned, excess, text)
            if not learned:
                return None
        self.ledger.rows_out += 1
        self.ledger.prompt_tokens += len(prompt)
        self.ledger.response_tokens += len(learned)
        return Example(prompt + learned, len(prompt))

    def _shorten(
        self, problem_id: str, prompt: list[int], learned: list[int], excess: int, response: str
    ) -> list[int]:
        if self.over_length == "raise":
            raise UserError(
                f"training row '{problem_id}' has {len(prompt) + len(learned)} tokens; the limit"
                f" training.sft.max_length is {self.max_length}; raise the limit, or set"
                " over_length to drop or truncate"
            )
        kept = learned[: max(0, len(learned) - excess)]
        if self.over_length == "drop" or not kept:
            fits_nothing = self.over_length == "truncate"
            self.ledger.drop("prompt over length" if fits_nothing else "over length")
            self.ledger.lose(len(prompt) + len(learned), has_answer_beyond(response, 0))
            return []
        self.ledger.lose(excess, has_answer_beyond(response, len(self.tokenizer.decode(kept))))
        self.ledger.over_length["rows_truncated"] += 1
        return kept


def has_answer_beyond(response: str, characters: int) -> bool:
    """Whether the last answer in a box is not whole within so many characters of `response`."""
    return characters < (end_of_last_box(response) or 0)
