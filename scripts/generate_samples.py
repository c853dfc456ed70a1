"""Let a model answer every problem of a benchmark k times.

    python scripts/generate_samples.py --manifest results/store/manifests/KEY.json \
        --out results/store/samples/KEY/record.json
"""

from __future__ import annotations

import hashlib
import statistics
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from cotdistil.engines import Completion, Engine, Sampling, load_engine
from cotdistil.errors import UserError
from cotdistil.generation import generate_sharded
from cotdistil.job import run_job
from cotdistil.precision import pick_dtype
from cotdistil.prompts import render_prompt

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

COLUMNS = ("problem_id", "question", "gold")
# On a CPU a shard's last rows cost in proportion to their number, on a GPU as much as a full batch.
SHARD_SIZE_ON_CPU = 256
SHARD_SIZE_ON_GPU = 2048


def main() -> None:
    with run_job(__doc__) as job:
        import pandas as pd
        from transformers import AutoTokenizer

        params = job.params
        problems_file = job.parent("problems") / "problems.parquet"
        problems = pd.read_parquet(problems_file, columns=list(COLUMNS)).to_dict("records")
        if not problems:
            raise UserError(f"{problems_file}: has no problems; expected at least one")
        tokenizer = AutoTokenizer.from_pretrained(job.parent("model"))
        requests = build_requests(
            problems, tokenizer, params["instruction"], params["k"], params["seed"]
        )
        sampling = Sampling(params["max_tokens"], params["temperature"], params["top_p"])
        prompt_counts = [len(request["prompt"]) for request in requests]
        meter = Meter(
            lambda: load_engine(
                params["backend"],
                job.parent("model"),
                precision=params["precision"],
                max_context=max(prompt_counts) + sampling.max_tokens,
                threads=job.threads,
                gpus=job.gpus,
                gpu_memory_share=job.settings.get("gpu_memory_share"),
            )
        )
        responses = generate_sharded(
            meter.load,
            requests,
            sampling,
            job.work,
            SHARD_SIZE_ON_GPU if job.gpus else SHARD_SIZE_ON_CPU,
            lambda done, total: job.progress(done, total, "samples"),
        )
        rows = build_rows(problems, responses, params["k"])
        pd.DataFrame(rows).to_parquet(job.staging / "samples.parquet", index=False)
        job.publish(
            {
                "rows_in": len(problems),
                "rows_out": len(rows),
                "dropped": {},
                "prompt_tokens": describe_counts(prompt_counts),
                "generated_tokens": describe_counts([row["token_count"] for row in rows]),
                "truncated": sum(row["finish_reason"] == "length" for row in rows),
                "backend": params["backend"],
                "dtype": str(pick_dtype(params["precision"])).removeprefix("torch."),
                "this_run": meter.record(),
            }
        )


def build_requests(
    problems: Sequence[dict],
    tokenizer: PreTrainedTokenizerBase,
    instruction: str | None,
    k: int,
    seed: int,
) -> list[dict]:
    """k requests per problem, for `generate_sharded`; a problem's requests follow each other."""
    requests = []
    for problem in problems:
        prompt = render_prompt(tokenizer, problem["question"], instruction)
        requests += [
            {
                "request_id": f"{problem['problem_id']}#{sample_index}",
                "prompt": prompt,
                "seed": sample_seed(seed, problem["problem_id"], sample_index),
            }
            for sample_index in range(k)
        ]
    return requests


def sample_seed(seed: int, problem_id: str, sample_index: int) -> int:
    """A sample's own seed, in [0, 2^31): it does not change when other problems come or go."""
    digest = hashlib.sha256(f"{seed}:{problem_id}:{sample_index}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def build_rows(problems: Sequence[dict], responses: Sequence[dict], k: int) -> list[dict]:
    """The rows of samples.parquet: exactly k per problem, in the problems' order."""
    assert len(responses) == k * len(problems), (
        f"{len(problems)} problems with k = {k} have {len(responses)} responses"
    )
    rows = []
    for position, response in enumerate(responses):
        problem, sample_index = problems[position // k], position % k
        expected = f"{problem['problem_id']}#{sample_index}"
        assert response["request_id"] == expected, f"{response['request_id']} is not {expected}"
        rows.append(
            {name: problem[name] for name in COLUMNS}
            | {"sample_index": sample_index}
            | {name: response[name] for name in ("response", "token_count", "finish_reason")}
        )
    return rows


def describe_counts(counts: Sequence[int]) -> dict[str, float]:
    """Total, mean, median and maximum of token counts."""
    return {
        "total": sum(counts),
        "mean": round(statistics.fmean(counts), 2),
        "median": statistics.median(counts),
        "max": max(counts),
    }


class Meter:
    """An engine that counts what it does in this run: shards of an earlier run cost nothing now."""

    def __init__(self, load: Callable[[], Engine]):
        self._load = load
        self._engine: Engine | None = None
        self.load_seconds = 0.0
        self.seconds = 0.0
        self.rows = 0
        self.tokens = 0

    def load(self) -> Engine:
        """Load the engine behind this one."""
        started = time.monotonic()
        self._engine = self._load()
        self.load_seconds = time.monotonic() - started
        return self

    def generate(self, *arguments) -> list[Completion]:
        """See `cotdistil.engines.Engine.generate`."""
        started = time.monotonic()
        completions = self._engine.generate(*arguments)
        self.seconds += time.monotonic() - started
        self.rows += len(completions)
        self.tokens += sum(completion.token_count for completion in completions)
        return completions

    def close(self) -> None:
        """See `cotdistil.engines.Engine.close`."""
        self._engine.close()

    def record(self) -> dict[str, float]:
        """Seconds, rows and tokens for the artefact's record."""
        return {
            "rows": self.rows,
            "tokens": self.tokens,
            "load_seconds": round(self.load_seconds, 2),
            "generation_seconds": round(self.seconds, 2),
            "tokens_per_second": round(self.tokens / self.seconds, 1) if self.seconds else 0.0,
        }


if __name__ == "__main__":
    main()
