"""From a corpus of the size and shape of OpenR1-Math-220k to a training set: seconds and memory.

    python tests/benchmarks/openr1_scale.py [--traces N ...] [--tokens MODEL] [--folder FOLDER]

Writes synthetic JSON Lines of about 23 kB a trace (5 GB at 220,000) and removes them afterwards.
Problems, corpus (graded by flag), screening for duplicates and against 10,000 benchmark questions,
and the choice of one correct trace per problem run one after the other; with the folder of a MODEL,
its tokenizer counts every trace too.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
SIZES = [22_000, 66_000, 220_000]
TRACES_PER_ROW = 220 / 94


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=int, nargs="+", default=SIZES)
    parser.add_argument("--folder", type=Path, help="where to write; default: a temporary folder")
    parser.add_argument("--tokens", type=Path, help="folder of a model whose tokens are counted")
    arguments = parser.parse_args()
    sys.path[:0] = [str(TESTS), str(TESTS.parent / "scripts")]
    for traces in arguments.traces:
        folder = Path(tempfile.mkdtemp(prefix="openr1_scale_", dir=arguments.folder)).resolve()
        try:
            measure(traces, folder, arguments.tokens)
        finally:
            shutil.rmtree(folder)


def measure(traces: int, folder: Path, model: Path | None) -> None:
    from hand_made_store import HandMadeStore

    path = folder / "openr1.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for row in synthetic_rows(traces):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    print(f"{traces:,} traces, {path.stat().st_size / 1e9:.2f} GB", flush=True)
    store = HandMadeStore(folder)
    started = time.monotonic()
    problems = run(store, "problems", PROBLEMS, {}, {"problems": path})
    corpus = run(store, "corpora", TRACES, {"problems": problems}, {"traces": path})
    benchmark = write_benchmark(store)
    parents = {"problems": problems, "benchmarks": [benchmark]}
    screening = run(store, "screening", SCREENING, parents)
    parents = {"corpus": corpus, "screening": screening}
    run(store, "training_sets", TAKE, parents)
    print(f"  all: {time.monotonic() - started:.0f} s", flush=True)
    if model is not None:
        tokenizer = store.artefact("models", "tokenizer")
        for file in model.resolve().glob("[ct]*"):  # config, tokenizer, chat template
            (tokenizer / file.name).symlink_to(file)
        parents["tokens"] = run(
            store, "token_counts", {"instruction": None}, {"corpus": corpus, "model": tokenizer}
        )
        limit = {"max_tokens": 16384, "over_length": "drop"}
        run(store, "training_sets", TAKE | limit, parents)
        print(f"  all with tokens: {time.monotonic() - started:.0f} s", flush=True)
    size = (corpus / "traces.parquet").stat().st_size
    print(f"  traces.parquet: {size / 1e9:.2f} GB", flush=True)


def write_benchmark(store) -> Path:
    """10,000 questions as long as those of the corpus."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = random.Random(1)
    sentences = [sentence(rng) for _ in range(20_000)]
    questions = [f"(b{number}) {text(rng, sentences, 4)}" for number in range(10_000)]
    folder = store.artefact("problems", "benchmark")
    columns = {"problem_id": [f"b{number}" for number in range(10_000)], "question": questions}
    pq.write_table(pa.table(columns), folder / "problems.parquet")
    return folder


SCREENING = {"ngram": 13, "near_duplicates": 0.8, "expressions": False}
TAKE = {"kind": "take", "correct_only": True, "choose": "first", "size": None, "seed": 0}
TAKE |= {"max_tokens": None}
PROBLEMS = {
    "kind": "file",
    "format": "jsonl",
    "question": "problem",
    "answer": "answer",
    "id": None,
    "limit": None,
}
TRACES = {
    "kind": "file",
    "format": "jsonl",
    "question": "problem",
    "response": "generations",
    "thinking": None,
    "correct": "correctness_math_verify",
    "complete": "is_reasoning_complete",
    "finish_reason": "finish_reasons",
    "where": {},
    "fallback": [],
}


def run(store, stage: str, params: dict, parents: dict, files: dict | None = None) -> Path:
    """Run one command in a process of its own, say what it took, and return its artefact."""
    started = time.monotonic()
    made = store.run(stage, params, parents, files, own_process=True, timeout=3600)
    if made.status:
        sys.exit(made.text)
    dropped = made.record["dropped"]
    assert made.record["rows_in"] == made.record["rows_out"] + sum(dropped.values())
    seconds, cost = time.monotonic() - started, made.record["cost"]
    print(
        f"  {stage}: {seconds:.0f} s ({cost['cpu_seconds']:.0f} s of processor time),"
        f" peak {cost['peak_memory_mb'] / 1000:.2f} GB; {made.record['rows_out']:,} rows",
        flush=True,
    )
    return made.folder


# --- synthetic traces -------------------------------------------------------------------------

WORDS = """
the a so we have then if is are of to and but
that this equals number angle triangle circle sum product integer positive solution equation
both sides therefore because maybe let me check again hmm wait actually alternatively
first second case each other another point line ratio area prime factor divides
remainder modulo sequence term polynomial root value must
"""
LATEX = (
    r"\( x^2 + {a}x - {b} = 0 \)",
    r"\[ \frac{{{a}}}{{{b}}} \leq \sqrt{{{a} + y_{{{b}}}}} \]",
    r"$\angle ABC = {a}^\circ$",
    "{a} × {b} ≈ {c}",
    "x < {a} → y ≥ {b}",
    r"\(\sum_{{k=1}}^{{{a}}} k \neq {b}\)",
    "{a}/{b} = {c}?",
    "√{a} + π·{b}",
)


def synthetic_rows(traces: int) -> Iterator[dict]:
    """Rows until they hold `traces` responses, about 2.34 in each."""
    rng = random.Random(0)
    sentences = [sentence(rng) for _ in range(20_000)]
    left, number = traces, 0
    while left:
        count = min(left, rng.choices((1, 2, 3, 4), (12, 58, 14, 16))[0])
        left -= count
        number += 1
        answer = str(rng.randint(1, 10**6))
        right = [rng.random() < 0.75 for _ in range(count)]
        ended = [rng.random() < 0.97 for _ in range(count)]
        yield {
            "problem": f"({number}) {text(rng, sentences, 4)}",
            "solution": f"{text(rng, sentences, 14)} \\boxed{{{answer}}}",
            "answer": answer,
            "problem_type": "Algebra",
            "source": rng.choice(("olympiads", "cn_contest", "aops_forum")),
            "uuid": f"{number:032x}",
            "is_reasoning_complete": ended,
            "generations": [
                trace(rng, sentences, answer if good else "0", closed)
                for good, closed in zip(right, ended, strict=True)
            ],
            "correctness_math_verify": [a and b for a, b in zip(right, ended, strict=True)],
            "correctness_llama": None,
            "finish_reasons": ["stop" if closed else "length" for closed in ended],
            "correctness_count": sum(right),
        }


def trace(rng: random.Random, sentences: list[str], answer: str, closed: bool) -> str:
    thinking = text(rng, sentences, max(40, int(rng.lognormvariate(5.18, 0.6))))
    if not closed:
        return f"<think>\n{thinking}"
    conclusion = text(rng, sentences, 12)
    return f"<think>\n{thinking}\n</think>\n\n{conclusion}\n\n\\boxed{{{answer}}}"


def text(rng: random.Random, sentences: list[str], count: int) -> str:
    return "".join(rng.choices(sentences, k=count)).strip()


def sentence(rng: random.Random) -> str:
    words = WORDS.split()
    words = rng.choices(words, k=rng.randint(6, 18))
    numbers = {name: rng.randint(1, 999) for name in "abc"}
    words.insert(rng.randrange(len(words)), rng.choice(LATEX).format(**numbers))
    return " ".join(words).capitalize() + "." + rng.choice((" ", " ", " ", "\n\n"))


if __name__ == "__main__":
    main()
