"""One interface to the engines that write text: vLLM, and transformers with its own batching."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cotdistil.errors import UserError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BACKENDS = ("vllm", "transformers")


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn.

    max_tokens: at most so many generated tokens per response, the end token included.
    temperature: 0 is greedy decoding.
    top_p: the nucleus (arXiv 1904.09751); 1 is the whole vocabulary.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise UserError(f"max_tokens: found {self.max_tokens}; expected at least 1")
        if self.temperature < 0:
            raise UserError(f"temperature: found {self.temperature}; expected 0 or more")
        if not 0 < self.top_p <= 1:
            raise UserError(f"top_p: found {self.top_p}; expected more than 0 and at most 1")


@dataclass(frozen=True)
class Completion:
    """One response.

    text: without special tokens.
    token_count: generated tokens, the end token included.
    finish_reason: "stop" at an end token, "length" at the token limit.
    """

    text: str
    token_count: int
    finish_reason: str


class Engine(Protocol):
    """A loaded model. dtype: the floating-point type that it computes in, such as "float32"."""

    tokenizer: PreTrainedTokenizerBase
    max_context: int
    dtype: str

    def generate(
        self,
        prompts: Sequence[list[int]],
        sampling: Sampling,
        seeds: Sequence[int],
        on_done: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """One response per prompt, in the prompts' order.

        prompts: token ids; seeds: one per prompt, unused by greedy decoding.
        on_done: called with the number of finished responses whenever it grows.
        Raises `UserError` before any work if a prompt and max_tokens together exceed max_context.
        """
        ...

    def close(self) -> None:
        """Give memory and devices back."""
        ...


def load_engine(
    backend: str,
    model_folder: Path,
    *,
    precision: str,
    max_context: int,
    threads: int,
    gpus: int,
) -> Engine:
    """Load the model of `model_folder`, on `gpus` GPUs or, with none, on `threads` CPU threads.

    precision: a name that `cotdistil.precision.pick_dtype` knows.
    max_context: the longest prompt plus response, in tokens, that the engine will be asked for.
    Raises `UserError` for an unknown backend, and for a context beyond the model's positions.
    """
    if backend not in BACKENDS:
        raise UserError(f"backend: found '{backend}'; expected one of {', '.join(BACKENDS)}")
    engine_module = importlib.import_module(f"cotdistil.engines.{backend}_engine")
    return engine_module.load(
        Path(model_folder),
        precision=precision,
        max_context=max_context,
        threads=threads,
        gpus=gpus,
    )


def check_positions(model_folder: Path, positions: int | None, max_context: int) -> None:
    """Raise `UserError` if the model has fewer positions than `max_context` (None: unlimited)."""
    if positions is not None and max_context > positions:
        raise UserError(
            f"{model_folder}: the model has {positions} positions, but prompt and response may"
            f" take {max_context} tokens; lower max_tokens or choose a model with a longer context"
        )


def check_prompts(
    prompts: Sequence[list[int]], seeds: Sequence[int], sampling: Sampling, max_context: int
) -> None:
    """Raise `UserError` if a prompt is empty or leaves less room than max_tokens in the context."""
    if len(seeds) != len(prompts):
        raise ValueError(f"{len(prompts)} prompts but {len(seeds)} seeds")
    for position, prompt in enumerate(prompts):
        if not prompt:
            raise UserError(f"prompt {position} is empty; expected at least one token")
        needed = len(prompt) + sampling.max_tokens
        if needed > max_context:
            raise UserError(
                f"prompt {position} has {len(prompt)} tokens and max_tokens is"
                f" {sampling.max_tokens}: {needed} in all, but the engine's context is"
                f" {max_context}; lower max_tokens, or drop the prompt"
            )


def find_stop_tokens(
    tokenizer: PreTrainedTokenizerBase, generation_eos: int | list[int] | None
) -> list[int]:
    """The tokens that end a response, sorted.

    They are the generation config's end tokens, and the special token that the chat template puts
    behind an assistant's message: base models often name only one of the two in their config.
    """
    listed = [generation_eos] if isinstance(generation_eos, int) else generation_eos or []
    stop_tokens = set(listed)
    if tokenizer.eos_token_id is not None:
        stop_tokens.add(tokenizer.eos_token_id)
    if tokenizer.chat_template:
        answer = "an answer to be found again"
        messages = [
            {"role": "user", "content": "a question"},
            {"role": "assistant", "content": answer},
        ]
        rendered = tokenizer.apply_chat_template(messages, tokenize=False)
        _, found, behind = rendered.rpartition(answer)
        if found:
            special = set(tokenizer.get_added_vocab().values())
            ids = tokenizer.encode(behind, add_special_tokens=False)
            stop_tokens.update(next(([token] for token in ids if token in special), []))
    if not stop_tokens:
        raise UserError(
            f"{tokenizer.name_or_path}: neither the generation config nor the tokenizer nor the"
            " chat template says which token ends a response; set eos_token_id in"
            " generation_config.json"
        )
    return sorted(stop_tokens)
