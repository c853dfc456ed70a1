"""Preference pairs for DPO (arXiv 2305.18290): pruned trace chosen, full trace rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotdistil.prompts import after_prompt, opened_thinking, prompt_text

if TYPE_CHECKING:
    import pyarrow as pa
    from transformers import PreTrainedTokenizerBase

TEXTS = ("prompt", "chosen", "rejected")


class PairMaker:
    """Makes the rows of pairs.parquet, in TRL's standard form: texts as the student reads them.

    Not in the conversational form, because many chat templates take the thinking out of what the
    assistant said before, and would make the two sides the same.

    instruction: what stands below each question; end_of_turn: the text of the token that ends what
    the assistant says.
    """

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, instruction: str | None, end_of_turn: str
    ):
        self.tokenizer = tokenizer
        self._instruction = instruction
        self._end_of_turn = end_of_turn
        self._opened = opened_thinking(tokenizer)
        self._bos = _added_bos(tokenizer)

    def make(self, row: dict, pruned: dict, tokens: tuple[int, int]) -> dict:
        """row, pruned: of the training set before and after; tokens: of the pruned and the full
        response."""
        prompt = prompt_text(self.tokenizer, row["question"], self._instruction)
        chosen, rejected = tokens
        return {
            **{name: row[name] for name in ("problem_id", "question", "gold")},
            "prompt": prompt.removeprefix(self._bos),
            "chosen": self._side(pruned["response"]),
            "rejected": self._side(row["response"]),
            "chosen_tokens": chosen,
            "rejected_tokens": rejected,
        }

    def _side(self, response: str) -> str:
        return after_prompt(response, self._opened) + self._end_of_turn


def _added_bos(tokenizer: PreTrainedTokenizerBase) -> str:
    """The text of the token that the tokenizer puts before every text by itself, or ""."""
    ids = tokenizer("?").input_ids
    return tokenizer.bos_token if ids and ids[0] == tokenizer.bos_token_id else ""


def pairs_schema(training_set: pa.Schema) -> pa.Schema:
    """The columns of pairs.parquet."""
    import pyarrow as pa

    return pa.schema(
        [
            *(training_set.field(name) for name in ("problem_id", "question", "gold")),
            *((name, pa.string()) for name in TEXTS),
            ("chosen_tokens", pa.int64()),
            ("rejected_tokens", pa.int64()),
        ]
    )
