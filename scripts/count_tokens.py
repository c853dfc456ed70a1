"""Count the tokens of a corpus with a student's tokenizer.

    python scripts/count_tokens.py --manifest results/store/manifests/KEY.json \\
        --out results/store/token_counts/KEY/record.json

Parents: `corpus`, a folder with traces.parquet, and `model`, a model folder. Writes tokens.parquet,
row by row in the order of the traces: problem_id, sample_index, prompt_tokens (the question in the
tokenizer's chat template, up to where the assistant starts to write), thinking_tokens and
answer_tokens (0 where a response has no such part; see `TokenCounter`), response_tokens.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cotdistil.job import run_job
from cotdistil.parquet_table import open_table, read_batches

if TYPE_CHECKING:
    import pyarrow.parquet as pq
    from transformers import PreTrainedTokenizerBase

ROWS_AT_ONCE = 64
ROWS_IN_A_ROW_GROUP = 16384
READ = ["problem_id", "sample_index", "question", "response"]
COUNTS = ["prompt_tokens", "thinking_tokens", "answer_tokens", "response_tokens"]


def main() -> None:
    with run_job(__doc__) as job:
        # Read when the tokenizer first works on a batch.
        os.environ["TOKENIZERS_PARALLELISM"] = "true"
        os.environ["RAYON_NUM_THREADS"] = str(job.threads)
        import pyarrow.parquet as pq
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(job.parent("model"))
        traces = open_table(job.parent("corpus") / "traces.parquet", READ, "corpora")
        rows, waiting, totals = 0, [], dict.fromkeys(COUNTS, 0)
        with pq.ParquetWriter(job.staging / "tokens.parquet", _schema()) as writer:
            for counted in count_rows(traces, tokenizer, job.params["instruction"]):
                waiting += counted
                rows += len(counted)
                for name in COUNTS:
                    totals[name] += sum(row[name] for row in counted)
                if len(waiting) >= ROWS_IN_A_ROW_GROUP:
                    writer.write_table(_table(waiting))
                    waiting.clear()
                job.progress(rows, traces.metadata.num_rows, "traces")
            writer.write_table(_table(waiting))
        job.publish(
            {"rows_in": traces.metadata.num_rows, "rows_out": rows, "dropped": {}, **totals}
        )


def count_rows(
    traces: pq.ParquetFile, tokenizer: PreTrainedTokenizerBase, instruction: str | None
) -> Iterator[list[dict]]:
    """The rows of tokens.parquet, a batch at a time.

    instruction: stands below every question, as in training.
    """
    from cotdistil.prompts import render_prompt
    from cotdistil.token_counts import TokenCounter

    counter = TokenCounter(tokenizer)
    prompts: dict[str, int] = {}
    for batch in read_batches(traces, ROWS_AT_ONCE, READ):
        columns = batch.to_pydict()
        # The samples of a problem have the same question.
        for question in set(columns["question"]).difference(prompts):
            prompts[question] = len(render_prompt(tokenizer, question, instruction))
        responses = counter.count(columns["response"])
        yield [
            {
                "problem_id": problem_id,
                "sample_index": sample_index,
                "prompt_tokens": prompts[question],
                "thinking_tokens": tokens.thinking,
                "answer_tokens": tokens.answer,
                "response_tokens": tokens.response,
            }
            for problem_id, sample_index, question, tokens in zip(
                columns["problem_id"],
                columns["sample_index"],
                columns["question"],
                responses,
                strict=True,
            )
        ]


def _schema():
    import pyarrow

    numbers = [(name, pyarrow.int64()) for name in ("sample_index", *COUNTS)]
    return pyarrow.schema([("problem_id", pyarrow.string()), *numbers])


def _table(rows: list[dict]):
    import pyarrow

    return pyarrow.Table.from_pylist(rows, schema=_schema())


if __name__ == "__main__":
    main()
