"""What the student is asked when it validates a cut, and what it answered.

On-policy validation of arXiv 2505.18440: the student itself gets the question and the first steps
of the thinking, and the cut stands if its answer is right. The paper's wording, decoding and
template are not published, so they are settings.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cotdistil.boxes import closing_brace, last_box
from cotdistil.grading.extract import extract_answer
from cotdistil.prompts import (
    after_prompt,
    opened_thinking,
    prompt_around,
    render_prompt,
    user_message,
)
from cotdistil.responses import join_response, split_response

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

PromptStyle = Literal["instruction", "continue"]
# A student asked for its final answer often names it without a box. Its last number is not read:
# the steps are full of numbers, and a repeated one would pass for an answer.
FALLBACK = ("final_answer",)


@dataclass(frozen=True)
class ValidationPrompt:
    """How the student is asked for its answer from the first steps of a trace.

    "instruction": the user's turn holds the question, the instruction and the steps, and the
    assistant's opens with `lead_in`; it asks for a model that follows instructions.
    "continue": the assistant's turn already holds the steps as its own closed thinking, then
    `lead_in`; it asks for a model that goes on with a text, as a base or small model does.
    Either way two cuts of one trace are the same tokens up to where the shorter one ends, so the
    prefix cache of an engine has read them.

    `question_instruction` stands below every question, as in training and scoring.
    """

    prompt_style: PromptStyle
    lead_in: str
    question_instruction: str | None = None
    instruction: str | None = None

    def render(self, tokenizer: PreTrainedTokenizerBase, question: str, thinking: str) -> list[int]:
        """Token ids of the prompt; `thinking` is the first steps of the trace."""
        thinking = thinking.rstrip()
        if self.prompt_style == "instruction":
            prompt = self._instructed(tokenizer, question, thinking)
            opened = self.lead_in
        else:
            prompt = render_prompt(tokenizer, question, self.question_instruction)
            opened = join_response(thinking, self.lead_in)
        opened = after_prompt(opened, opened_thinking(tokenizer))
        return [*prompt, *_tokens(tokenizer, opened, written=True)]

    def _instructed(
        self, tokenizer: PreTrainedTokenizerBase, question: str, thinking: str
    ) -> list[int]:
        message = user_message(user_message(question, self.question_instruction), self.instruction)
        before, behind = prompt_around(tokenizer, message + ("\n\n" if self.instruction else "\n"))
        above = before.rstrip()  # tokenizers read blanks together with what follows them
        return [
            *_tokens(tokenizer, above),
            *_tokens(tokenizer, before.removeprefix(above) + thinking, written=True),
            *_tokens(tokenizer, behind),
        ]

    def answer(self, completion: str) -> str:
        """What the student answered: the lead-in and its completion, without any thinking in it.

        Where the lead-in leaves `\\boxed{` open, the answer ends with the brace that closes it:
        what an untrained student adds below is not part of its answer.
        """
        text = self.lead_in + completion
        opened = last_box(self.lead_in)
        if opened is not None and closing_brace(self.lead_in, opened) is None:
            end = closing_brace(text, opened)
            text = text if end is None else text[: end + 1]
        return split_response(text).answer


def _tokens(tokenizer: PreTrainedTokenizerBase, text: str, written: bool = False) -> list[int]:
    """written: by a model. As in training, a special token's name in it is text."""
    return tokenizer(text, add_special_tokens=False, split_special_tokens=written)["input_ids"]


def read_answer(answer: str) -> str | None:
    """The final answer in what the student answered, as text; None if it names none."""
    return extract_answer(answer, FALLBACK).text


def validation_seed(seed: int, asked: str, sample: int) -> int:
    """The seed of one answer, 31 bits; `asked` names what is asked, so the round plays no part."""
    text = f"validate:{seed}:{asked}:{sample}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1
