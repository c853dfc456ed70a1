"""How a question becomes a prompt, the same in training, pruning and evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotdistil.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def user_message(question: str, instruction: str | None = None) -> str:
    """The text of the user's turn: the question, and below it the instruction if there is one."""
    return f"{question}\n{instruction}" if instruction else question


def render_prompt(
    tokenizer: PreTrainedTokenizerBase,
    question: str,
    instruction: str | None = None,
    system: str | None = None,
) -> list[int]:
    """Token ids of the model's own chat template up to where the assistant starts to write.

    system: the system message; None leaves it to the template.
    Special tokens are the template's; the tokenizer adds none of its own.
    Raises `UserError` if the tokenizer has no chat template, or one that takes no system message.
    """
    from jinja2 import TemplateError

    if not tokenizer.chat_template:
        raise UserError(
            f"{tokenizer.name_or_path}: the tokenizer has no chat template; "
            "expected an instruction-tuned model; choose one that has a chat template"
        )
    messages = [{"role": "user", "content": user_message(question, instruction)}]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    try:
        return tokenizer.apply_chat_template(
            messages, add_generation_prompt=True, tokenize=True, return_dict=False
        )
    except TemplateError as error:
        if system is None:
            raise
        raise UserError(
            f"{tokenizer.name_or_path}: the chat template refuses a system message ({error}); leave"
            " it out, and put its text into the instruction"
        ) from error
