"""Generation with transformers: continuous batching over an in-place key-value cache.

It needs nothing beyond transformers, loads in less than half of vLLM's time, and reads what all
prompts begin with only once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from cotdistil.engines import (
    Completion,
    Request,
    Sampling,
    check_positions,
    check_prompt,
    check_prompts,
    decode_response,
    find_stop_tokens,
    in_order,
)
from cotdistil.engines.cache_size import cache_bytes_per_token
from cotdistil.engines.decode_cache import DecodeCache
from cotdistil.engines.grouped_attention import GROUPED_SDPA
from cotdistil.engines.prefill import Prefill
from cotdistil.engines.token_sampling import choose_tokens
from cotdistil.errors import UserError
from cotdistil.precision import pick_dtype

MAX_ROWS = 64
CACHE_BYTES_ON_CPU = 4 * 2**30
CACHE_SHARE_OF_FREE_GPU_MEMORY = 0.6
SUPPORTED_LAYERS = {"full_attention", "sliding_attention"}


@dataclass
class _Row:
    id: str
    prompt: list[int]
    draws: random.Random
    generated: list[int] = field(default_factory=list)

    @property
    def next_input(self) -> int:
        return self.generated[-1] if self.generated else self.prompt[-1]

    @property
    def position(self) -> int:
        return len(self.prompt) - 1 + len(self.generated)


def load(
    model_folder: Path,
    *,
    precision: str,
    max_context: int,
    threads: int,
    gpus: int,
    gpu_memory_share: float | None = None,
    cache_tokens: int = 0,
) -> TransformersEngine:
    """See `cotdistil.engines.load_engine`. Uses one GPU, however many there are."""
    config = AutoConfig.from_pretrained(model_folder)
    text_config = config.get_text_config()
    check_positions(model_folder, text_config.max_position_embeddings, max_context)
    unsupported = set(getattr(text_config, "layer_types", None) or []) - SUPPORTED_LAYERS
    if unsupported:
        raise UserError(
            f"{model_folder}: the transformers backend has no cache for layers of type"
            f" {', '.join(sorted(unsupported))}; choose the backend vllm"
        )
    return TransformersEngine(model_folder, pick_dtype(precision), max_context, threads, gpus > 0)


class TransformersEngine:
    """See `cotdistil.engines.Engine`."""

    cache_tokens = None

    def __init__(
        self, model_folder: Path, dtype: torch.dtype, max_context: int, threads: int, on_gpu: bool
    ):
        torch.set_num_threads(threads)
        self.device = torch.device("cuda" if on_gpu else "cpu")
        self.dtype = str(dtype).removeprefix("torch.")
        self.max_context = max_context
        self.tokenizer = AutoTokenizer.from_pretrained(model_folder)
        model = AutoModelForCausalLM.from_pretrained(
            model_folder, dtype=dtype, use_safetensors=True
        )
        if not on_gpu and model.config._attn_implementation == "sdpa":
            model.set_attn_implementation(GROUPED_SDPA)
        self.model = model.to(self.device).eval()
        self.stop_tokens = find_stop_tokens(self.tokenizer, model.generation_config.eos_token_id)

    def generate(
        self,
        prompts: Sequence[list[int]],
        sampling: Sampling,
        seeds: Sequence[int],
        on_done: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """See `cotdistil.engines.Engine.generate`. Longest prompts first: later ones find room."""
        check_prompts(prompts, seeds, sampling, self.max_context)
        if not prompts:
            return []
        order = sorted(range(len(prompts)), key=lambda position: -len(prompts[position]))
        requests = (Request(str(index), prompts[index], seeds[index]) for index in order)
        context = len(prompts[order[0]]) + sampling.max_tokens
        stream = self._decode(requests, sampling, context, Prefill(self.model, prompts))
        return in_order(stream, len(prompts), on_done)

    def stream(
        self, requests: Iterator[Request], sampling: Sampling, keep_special_tokens: bool = False
    ) -> Generator[tuple[str, Completion], None, None]:
        """See `cotdistil.engines.Engine.stream`."""
        prefill = Prefill(self.model)
        return self._decode(requests, sampling, self.max_context, prefill, keep_special_tokens)

    def close(self) -> None:
        """See `cotdistil.engines.Engine.close`."""
        del self.model
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _decode(
        self,
        requests: Iterator[Request],
        sampling: Sampling,
        context: int,
        prefill: Prefill,
        keep_special_tokens: bool = False,
    ) -> Generator[tuple[str, Completion], None, None]:
        """See `cotdistil.engines.Engine.stream`. context: tokens of the longest row to come."""
        slots = self._row_limit(context)
        cache = DecodeCache(self.model.config.get_text_config().num_hidden_layers, slots)
        rows: list[_Row] = []
        while True:
            arrivals: list[_Row] = []
            for request in islice(requests, slots - len(rows)):
                check_prompt(request.id, request.prompt, sampling, self.max_context)
                arrivals.append(_Row(request.id, request.prompt, random.Random(request.seed)))
            if not rows and not arrivals:
                return
            arrivals.sort(key=lambda row: -len(row.prompt))
            if arrivals:
                self._admit(arrivals, rows, cache, prefill)
            for row in self._step(rows, cache, sampling):
                yield row.id, self._completion(row, keep_special_tokens)

    def _completion(self, row: _Row, keep_special_tokens: bool) -> Completion:
        tokens = row.generated
        return Completion(
            text=decode_response(self.tokenizer, tokens, self.stop_tokens, keep_special_tokens),
            token_count=len(tokens),
            finish_reason="stop" if tokens[-1] in self.stop_tokens else "length",
        )

    @torch.inference_mode()
    def _admit(
        self, arrivals: list[_Row], rows: list[_Row], cache: DecodeCache, prefill: Prefill
    ) -> None:
        """Read the arrivals' prompts, longest first, and add them to the rows."""
        cache.expect([len(row.prompt) for row in arrivals])
        states = prefill.read([row.prompt for row in arrivals])
        for row, keys_values in zip(arrivals, states, strict=True):
            cache.start(len(rows), len(row.prompt) - 1)
            if keys_values:
                cache.fill(len(rows), keys_values)
            rows.append(row)

    @torch.inference_mode()
    def _step(self, rows: list[_Row], cache: DecodeCache, sampling: Sampling) -> list[_Row]:
        """Write a token to each row; take out and return the rows that end with it."""
        for row, token in zip(rows, self._next_tokens(rows, cache, sampling), strict=True):
            row.generated.append(token)
        cache.advance()
        finished = []
        for index in reversed(range(len(rows))):
            row = rows[index]
            if row.generated[-1] in self.stop_tokens or len(row.generated) == sampling.max_tokens:
                cache.remove(index)
                rows[index] = rows[-1]
                rows.pop()
                finished.append(row)
        return finished

    def _next_tokens(self, rows: list[_Row], cache: DecodeCache, sampling: Sampling) -> list[int]:
        def column(values: list) -> torch.Tensor:
            return torch.tensor(values, device=self.device)[:, None]

        columns = torch.arange(cache.first, cache.end + 1, device=self.device)
        logits = self.model(
            input_ids=column([row.next_input for row in rows]),
            position_ids=column([row.position for row in rows]),
            attention_mask=columns >= column(cache.starts),
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]
        uniforms = torch.zeros(len(rows), device=self.device)
        if sampling.temperature > 0:
            uniforms = torch.tensor(
                [row.draws.random() for row in rows], dtype=torch.float64, device=self.device
            )
        return choose_tokens(logits, sampling.temperature, sampling.top_p, uniforms).tolist()

    def _row_limit(self, context: int) -> int:
        """How many rows of `context` tokens the cache's share of the memory holds."""
        token_bytes = cache_bytes_per_token(self.model.config, self.model.dtype.itemsize)
        budget = CACHE_BYTES_ON_CPU
        if self.device.type == "cuda":
            free, _ = torch.cuda.mem_get_info()
            budget = int(free * CACHE_SHARE_OF_FREE_GPU_MEMORY)
        return max(1, min(MAX_ROWS, budget // (token_bytes * context)))
