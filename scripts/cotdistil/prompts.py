"""How a question becomes a prompt, the same in training, pruning and evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cotdistil.errors import UserError
from cotdistil.responses import CLOSE, OPEN

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
    return _render(tokenizer, question, instruction, system, tokenize=True)


def prompt_text(
    tokenizer: PreTrainedTokenizerBase, question: str, instruction: str | None = None
) -> str:
    """The text of which `render_prompt` gives the tokens."""
    return _render(tokenizer, question, instruction, None, tokenize=False)


def prompt_around(tokenizer: PreTrainedTokenizerBase, message: str) -> tuple[str, str]:
    """The text of the prompt before and behind what is written at the end of the user's message.

    Raises `UserError` where the chat template does not write the message as it is.
    """
    here = "\ufdd0 here \ufdd0"
    before, found, behind = prompt_text(tokenizer, message + here).rpartition(here)
    if not found:
        raise UserError(
            f"{tokenizer.name_or_path}: the chat template does not write the user's message as it"
            " is; expected one that does; choose prompt_style: continue"
        )
    return before, behind


def opened_thinking(tokenizer: PreTrainedTokenizerBase) -> str:
    """The think tag, and the line breaks behind it, with which the template's prompts end; or "".

    Templates such as DeepSeek-R1's open the thinking themselves.
    """
    text = prompt_text(tokenizer, "?")
    return text[text.rindex(OPEN) :] if text.rstrip("\n").endswith(OPEN) else ""


def behind_answer(tokenizer: PreTrainedTokenizerBase) -> str:
    """What the chat template writes behind what the assistant says; "" if it leaves that out."""
    answer = "The assistant's words."
    messages = [
        {"role": "user", "content": "The user's words."},
        {"role": "assistant", "content": answer},
    ]
    _, found, behind = tokenizer.apply_chat_template(messages, tokenize=False).rpartition(answer)
    return behind if found else ""


def after_prompt(response: str, opened: str) -> str:
    """What of a response in canonical form follows a prompt; opened: see `opened_thinking`.

    A think tag that the prompt has opened is not opened again, and is closed where the response
    has no thinking.
    """
    if not opened:
        return response
    if response.startswith(OPEN):
        return response.removeprefix(OPEN).removeprefix(opened.removeprefix(OPEN))
    return ("\n" if opened.endswith("\n") else "\n\n") + f"{CLOSE}\n\n{response}"


def _render(
    tokenizer: PreTrainedTokenizerBase,
    question: str,
    instruction: str | None,
    system: str | None,
    tokenize: bool,
) -> list[int] | str:
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
            messages, add_generation_prompt=True, tokenize=tokenize, return_dict=False
        )
    except TemplateError as error:
        if system is None:
            raise
        raise UserError(
            f"{tokenizer.name_or_path}: the chat template refuses a system message ({error}); leave"
            " it out, and put its text into the instruction"
        ) from error
