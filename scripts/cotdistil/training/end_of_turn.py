"""Which token ends the assistant's turn, by the model's own chat template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotdistil.errors import UserError
from cotdistil.prompts import behind_answer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def end_of_turn_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that the chat template puts right after what the assistant says.

    It is the tokenizer's eos token where the template puts nothing there. Raises `UserError` if
    plain text follows, because a model can't stop at plain text.
    """
    ending = behind_answer(tokenizer)
    ids = tokenizer(ending, add_special_tokens=False).input_ids if ending.strip() else []
    if not ids:
        return tokenizer.eos_token_id
    if ids[0] not in tokenizer.added_tokens_decoder:
        raise UserError(
            f"{tokenizer.name_or_path}: the chat template ends the assistant's turn with"
            f" {ending!r}; expected a special token first; choose a model whose template has one"
        )
    return ids[0]
