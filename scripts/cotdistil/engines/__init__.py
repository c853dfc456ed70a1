"""One interface to the engines that write text: vLLM, and transformers with its own batching."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cotdistil.errors import UserError
from cotdistil.prompts import behind_answer

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
class Request:
    """One response to be written.

    id: unique among the requests that are under way; it comes back with the completion.
    prompt: token ids. seed: of the sampling, unused by greedy decoding.
    """

    id: str
    prompt: list[int]
    seed: int


@dataclass(frozen=True)
class Completion:
    """One response.

    text: without special tokens, unless they were to be kept.
    token_count: generated tokens, the end token included.
    finish_reason: "stop" at an end token, "length" at the token limit.
    cached_tokens: of the prompt, read from the engine's prefix cache; None where it has none.
    """

    text: str
    token_count: int
    finish_reason: str
    cached_tokens: int | None = None


class Engine(Protocol):
    """A loaded model.

    dtype: the floating-point type that it computes in, such as "float32".
    cache_tokens: how many tokens its prefix cache holds, so that a prompt with a beginning which
    was read before is read from there on only; None where it has no such cache.
    """

    tokenizer: PreTrainedTokenizerBase
    max_context: int
    dtype: str
    cache_tokens: int | None

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

    def stream(
        self, requests: Iterator[Request], sampling: Sampling, keep_special_tokens: bool = False
    ) -> Generator[tuple[str, Completion], None, None]:
        """The id and the completion of each request, in the order in which they finish.

        requests: read only as there is room, so that whatever finishes makes room for the next.
        One that runs out may have more after the next completion: it is asked again after each
        step in which responses finished, and the end is when it has none and none is under way.
        keep_special_tokens: only the token that ends a response is left out of its text.
        One stream at a time; what is under way when a stream is closed is given up.
        Raises `UserError` for a prompt that does not fit with max_tokens into max_context, which
        ends the stream: the caller sees to it that none comes.
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
    gpu_memory_share: float | None = None,
    cache_tokens: int = 0,
) -> Engine:
    """Load the model of `model_folder`, on `gpus` GPUs or, with none, on `threads` CPU threads.

    precision: a name that `cotdistil.precision.pick_dtype` knows.
    max_context: the longest prompt plus response, in tokens, that the engine will be asked for.
    gpu_memory_share: how much of each GPU's memory vLLM takes, in (0, 1]; None is vLLM's default.
    transformers takes what its rows need of what is free.
    cache_tokens: how many tokens it would be good to have in the prefix cache. On a CPU, vLLM makes
    room for them in up to a quarter of the free memory; on GPUs its cache has all that is left.
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
        gpu_memory_share=gpu_memory_share,
        cache_tokens=cache_tokens,
    )


def count_positions(model_folder: Path) -> int | None:
    """How many tokens of prompt and response the model has positions for; None: unlimited."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(model_folder).get_text_config()
    return getattr(config, "max_position_embeddings", None)


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
        check_prompt(str(position), prompt, sampling, max_context)


def check_prompt(name: str, prompt: list[int], sampling: Sampling, max_context: int) -> None:
    """Raise `UserError` if a prompt is empty or leaves less room than max_tokens in the context."""
    if not prompt:
        raise UserError(f"prompt {name} is empty; expected at least one token")
    needed = len(prompt) + sampling.max_tokens
    if needed > max_context:
        raise UserError(
            f"prompt {name} has {len(prompt)} tokens and max_tokens is {sampling.max_tokens}:"
            f" {needed} in all, but the engine's context is {max_context}; lower max_tokens, or"
            " drop the prompt"
        )


def in_order(
    stream: Generator[tuple[str, Completion], None, None],
    count: int,
    on_done: Callable[[int], None] | None,
) -> list[Completion]:
    """The completions of `count` requests whose ids are the numbers from 0, in that order."""
    completions: dict[int, Completion] = {}
    with contextlib.closing(stream):
        for request_id, completion in stream:
            completions[int(request_id)] = completion
            if on_done:
                on_done(len(completions))
    return [completions[number] for number in range(count)]


def decode_response(
    tokenizer: PreTrainedTokenizerBase,
    tokens: list[int],
    stop_tokens: Sequence[int],
    keep_special_tokens: bool,
) -> str:
    """The text of generated tokens: without special tokens, or without the last stop token only."""
    if keep_special_tokens and tokens and tokens[-1] in stop_tokens:
        tokens = tokens[:-1]
    return tokenizer.decode(tokens, skip_special_tokens=not keep_special_tokens)


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
        special = set(tokenizer.get_added_vocab().values())
        ids = tokenizer.encode(behind_answer(tokenizer), add_special_tokens=False)
        stop_tokens.update([token for token in ids if token in special][:1])
    if not stop_tokens:
        raise UserError(
            f"{tokenizer.name_or_path}: neither the generation config nor the tokenizer nor the"
            " chat template says which token ends a response; set eos_token_id in"
            " generation_config.json"
        )
    return sorted(stop_tokens)
