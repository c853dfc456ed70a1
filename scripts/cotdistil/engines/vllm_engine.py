"""Generation with vLLM, on GPUs or, in this process, on the CPU."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
from cotdistil.precision import pick_dtype

if TYPE_CHECKING:
    from vllm import RequestOutput

MAX_SEQUENCES = 256
CACHE_BYTES_ON_CPU = 5 * 2**28
CACHE_SHARE_OF_FREE_MEMORY = 0.25
# A prompt is read again from the beginning of the first block that differs. On GPUs vLLM's own
# default is 16; on CPUs it would be 128, and 32 is the least that its fast kernels take.
CACHE_BLOCK_TOKENS_ON_CPU = 32


def load(
    model_folder: Path,
    *,
    precision: str,
    max_context: int,
    threads: int,
    gpus: int,
    gpu_memory_share: float | None = None,
    cache_tokens: int = 0,
) -> VllmEngine:
    """See `cotdistil.engines.load_engine`."""
    config = json.loads((model_folder / "config.json").read_text())
    positions = config.get("text_config", config).get("max_position_embeddings")
    check_positions(model_folder, positions, max_context)
    return VllmEngine(
        model_folder, precision, max_context, threads, gpus, gpu_memory_share, cache_tokens
    )


class VllmEngine:
    """See `cotdistil.engines.Engine`."""

    def __init__(
        self,
        model_folder: Path,
        precision: str,
        max_context: int,
        threads: int,
        gpus: int,
        gpu_memory_share: float | None,
        cache_tokens: int,
    ):
        _set_environment(threads, gpus)
        import torch
        from vllm import LLM

        dtype = pick_dtype(precision)
        device_options = {"tensor_parallel_size": gpus}
        if gpus > 0 and gpu_memory_share is not None:
            device_options["gpu_memory_utilization"] = gpu_memory_share
        if gpus == 0:
            # vLLM turns torch.set_num_threads off once it is loaded.
            torch.set_num_threads(threads)
            device_options = {
                # Compiling costs minutes on a CPU. An explicit cache size skips the warm-up too.
                "enforce_eager": True,
                "block_size": CACHE_BLOCK_TOKENS_ON_CPU,
                "kv_cache_memory_bytes": _cache_bytes(
                    model_folder, max_context, cache_tokens, dtype.itemsize
                ),
            }
        self.llm = LLM(
            str(model_folder),
            dtype=dtype,
            max_model_len=max_context,
            max_num_seqs=MAX_SEQUENCES,
            enable_prefix_caching=True,
            generation_config="vllm",
            trust_remote_code=False,
            load_format="safetensors",
            seed=0,
            **device_options,
        )
        self.dtype = str(dtype).removeprefix("torch.")
        self.max_context = max_context
        cache = self.llm.llm_engine.vllm_config.cache_config
        self.cache_tokens = cache.num_gpu_blocks * cache.block_size
        self.tokenizer = self.llm.get_tokenizer()
        self.stop_tokens = find_stop_tokens(self.tokenizer, _generation_eos(model_folder))
        self._served = 0

    def generate(
        self,
        prompts: Sequence[list[int]],
        sampling: Sampling,
        seeds: Sequence[int],
        on_done: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """See `cotdistil.engines.Engine.generate`."""
        check_prompts(prompts, seeds, sampling, self.max_context)
        requests = (
            Request(str(position), prompt, seed)
            for position, (prompt, seed) in enumerate(zip(prompts, seeds, strict=True))
        )
        return in_order(self.stream(requests, sampling), len(prompts), on_done)

    def stream(
        self, requests: Iterator[Request], sampling: Sampling, keep_special_tokens: bool = False
    ) -> Generator[tuple[str, Completion], None, None]:
        """See `cotdistil.engines.Engine.stream`."""
        engine = self.llm.llm_engine
        under_way: dict[str, str] = {}
        try:
            while True:
                # vLLM works only within a step: what comes before it finds the places that the
                # last one freed, so that none has to wait in vLLM's own queue.
                while len(under_way) < MAX_SEQUENCES and (request := next(requests, None)):
                    check_prompt(request.id, request.prompt, sampling, self.max_context)
                    under_way[self._add(request, sampling)] = request.id
                if not under_way:
                    return
                for output in engine.step():
                    if output.finished:
                        request_id = under_way.pop(output.request_id)
                        yield request_id, self._completion(output, keep_special_tokens)
        finally:
            engine.abort_request(list(under_way))

    def close(self) -> None:
        """See `cotdistil.engines.Engine.close`."""
        from vllm.distributed import cleanup_dist_env_and_memory

        self.llm.llm_engine.engine_core.shutdown()
        del self.llm
        gc.collect()
        cleanup_dist_env_and_memory()

    def _add(self, request: Request, sampling: Sampling) -> str:
        """Hand a request to vLLM; returns the id that it has there."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        parameters = SamplingParams(
            max_tokens=sampling.max_tokens,
            temperature=sampling.temperature,
            top_p=sampling.top_p if sampling.temperature > 0 else 1.0,
            seed=request.seed if sampling.temperature > 0 else None,
            stop_token_ids=self.stop_tokens,
            detokenize=False,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        vllm_id = str(self._served)
        self._served += 1
        prompt = {"prompt_token_ids": list(request.prompt)}
        self.llm.llm_engine.add_request(vllm_id, prompt, parameters)
        return vllm_id

    def _completion(self, request: RequestOutput, keep_special_tokens: bool) -> Completion:
        [output] = request.outputs
        tokens = list(output.token_ids)
        return Completion(
            text=decode_response(self.tokenizer, tokens, self.stop_tokens, keep_special_tokens),
            token_count=len(tokens),
            finish_reason=output.finish_reason,
            cached_tokens=request.num_cached_tokens,
        )


def _set_environment(threads: int, gpus: int) -> None:
    """What vLLM reads from the environment, most of it when it is imported."""
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    os.environ["VLLM_NO_USAGE_STATS"] = "1"
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    if gpus == 0:
        # Without it vLLM goes down to one thread.
        os.environ["OMP_NUM_THREADS"] = str(threads)
        # It would override the size that is asked for here.
        os.environ.pop("VLLM_CPU_KVCACHE_SPACE", None)


def _generation_eos(model_folder: Path) -> int | list[int] | None:
    for name in ("generation_config.json", "config.json"):
        file = model_folder / name
        if file.exists():
            eos = json.loads(file.read_text()).get("eos_token_id")
            if eos is not None:
                return eos
    return None


def _cache_bytes(model_folder: Path, max_context: int, wanted: int, itemsize: int) -> int:
    """The cache's size on a CPU: one sequence at least, with room for vLLM's rounding.

    wanted: tokens that it is to hold if there is memory for them.
    """
    import psutil
    from transformers import AutoConfig

    per_token = cache_bytes_per_token(AutoConfig.from_pretrained(model_folder), itemsize)
    least = (max_context + 2 * CACHE_BLOCK_TOKENS_ON_CPU) * per_token
    free = int(psutil.virtual_memory().available * CACHE_SHARE_OF_FREE_MEMORY)
    return max(CACHE_BYTES_ON_CPU, least, min(wanted * per_token, free))
