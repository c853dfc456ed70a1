"""Counting a corpus's tokens, beside the tokenizer alone on the same responses.

    python tests/benchmarks/token_counts.py MODEL_FOLDER

Real responses, cut into traces of 22,000 characters without a repetition, are counted by the
tokenizer, by `TokenCounter` on whole texts, and by `TokenCounter` as it stands, in turns, best of
three. Then the command runs on a corpus of COPIES times as many traces, made of the same lines in
other orders, and says how long it took and how much memory.
"""

import multiprocessing
import os
import random
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from cotdistil.responses import join_response  # noqa: E402
from hand_made_store import HandMadeStore  # noqa: E402
from real_data import real_rows  # noqa: E402

LENGTH = 22_000
COPIES = 15
ROUNDS = 3
BATCH = 64


def main() -> None:
    os.environ["TOKENIZERS_PARALLELISM"] = "true"
    from transformers import AutoTokenizer

    from cotdistil.token_counts import TokenCounter
    from cotdistil.token_cuts import NOWHERE

    folder = Path(sys.argv[1]).resolve()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    traces = real_traces()
    characters = sum(map(len, traces))
    print(f"{len(traces)} traces, {characters:,} characters, {os.cpu_count()} cores")

    def alone(texts: list[str]) -> list[int]:
        encoded = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)
        return [len(ids) for ids in encoded.input_ids]

    def counted(cut: bool) -> tuple[float, list[int]]:
        counter = TokenCounter(tokenizer)
        if not cut:
            counter._cuts = NOWHERE
        return timed(lambda texts: [each.response for each in counter.count(texts)], traces)

    best = {}
    for _ in range(ROUNDS):
        for name, measure in (
            ("the tokenizer alone", lambda: timed(alone, traces)),
            ("whole texts", lambda: counted(False)),
            ("as it stands", lambda: counted(True)),
        ):
            seconds, tokens = measure()
            best[name] = min(best.get(name, (seconds, tokens)), (seconds, tokens))
    first, expected = best["the tokenizer alone"]
    for name, (seconds, tokens) in best.items():
        print(
            f"{name:20} {seconds:6.2f} s  {characters / seconds / 1e6:5.2f} MB/s  ratio"
            f" {seconds / first:4.2f}  same counts: {tokens == expected}"
        )
    run_command(folder, traces)


def timed(count, traces: list[str]) -> tuple[float, list[int]]:
    """Seconds for all traces, in batches as the command makes them, and what was counted."""
    started, tokens = time.perf_counter(), []
    for start in range(0, len(traces), BATCH):
        tokens += count(traces[start : start + BATCH])
    return time.perf_counter() - started, tokens


def real_traces() -> list[str]:
    names = ("mip_gsm8k_responses", "mip_math_responses")
    rows = [row for name in names for row in real_rows(f"traces/{name}.jsonl")]
    text = "\n\n".join(row["response"] for row in rows if row["response"])
    text = text.replace("<think>", "").replace("</think>", "")
    return [
        join_response(text[start : start + LENGTH - 500], text[start + LENGTH - 500 :][:500])
        for start in range(0, len(text) - LENGTH, LENGTH)
    ]


def run_command(model: Path, traces: list[str]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = random.Random(0)
    lines = [line for trace in traces for line in trace.split("\n") if "think>" not in line]
    with tempfile.TemporaryDirectory() as folder:
        store = HandMadeStore(Path(folder))
        copy = store.artefact("models", "model")
        for file in model.iterdir():
            if file.name != "record.json":
                (copy / file.name).symlink_to(file)
        corpus = store.artefact("corpora", "traces")
        schema = pa.schema([(n, pa.string()) for n in ("problem_id", "question", "response")])
        schema = schema.append(pa.field("sample_index", pa.int64()))
        characters = rows = 0
        with pq.ParquetWriter(corpus / "traces.parquet", schema, compression="zstd") as writer:
            for _ in range(COPIES):
                rng.shuffle(lines)
                text = "\n".join(lines)
                texts = [text[i : i + LENGTH] for i in range(0, len(text), LENGTH)]
                numbers = range(rows, rows + len(texts))
                table = {
                    "problem_id": [f"p{n}" for n in numbers],
                    "question": [f"What is {n} and {n}?" for n in numbers],
                    "response": [join_response(text[:-500], text[-500:]) for text in texts],
                    "sample_index": [0] * len(texts),
                }
                writer.write_table(pa.table(table, schema=schema), row_group_size=1000)
                characters, rows = characters + len(text), rows + len(texts)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            cost = pool.apply(cost_of_command, (store, corpus, copy))
        print(
            f"the command: {rows:,} traces, {characters / 1e9:.2f} GB, one thread:"
            f" {cost['seconds']} s, {cost['cpu_seconds']} CPU-seconds, {cost['peak_memory_mb']} MB"
        )


def cost_of_command(store: HandMadeStore, corpus: Path, model: Path) -> dict:
    """In a process of its own: seconds, CPU-seconds and peak memory in MB.

    The peak that the record has may be that of the process which started this one.
    """
    made = store.run("token_counts", {"instruction": None}, {"corpus": corpus, "model": model})
    if made.status:
        raise SystemExit(made.text)
    status = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024
    return made.record["cost"] | {"peak_memory_mb": peak}


if __name__ == "__main__":
    main()
