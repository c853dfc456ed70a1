"""Which token ends the assistant's turn, by the model's own chat template."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotdistil.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

_MARKER = "The assistant's words."


def end_of_turn_id(tokenizer: PreTrainedTokenizerBase) -> int:
    """The token that the chat template puts right after what the assistant says.

    It is the tokenizer's eos token where the template puts nothing there. Raises `UserError` if
    plain text follows, because a model can't stop at plain text.
    """
    messages = [
        {"role": "user", "content": "The user's words."},
        {"role": "assistant", "content": _MARKER},
    ]
    rendered = tokenizer.apply_chat_template(messages, tokenize=False)
    ending = rendered.rpartition(_MARKER)[2]
    ids = tokenizer(ending, add_special_tokens=False).input_ids if ending.strip() else []
    if not ids:
        return tokenizer.eos_token_id
    if ids[0] not in tokenizer.added_tokens_decoder:
        raise UserError(
            f"{tokenizer.name_or_path}: the chat template ends the assistant's turn with"
            f" {ending!r}; expected a special token first; choose a model whose template has one"
        )
    return ids[0]
