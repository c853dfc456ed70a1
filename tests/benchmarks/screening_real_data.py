"""What screening finds in real problem sets, and its time and memory as they grow.

python tests/benchmarks/screening_real_data.py            # what is found in the real sets
python tests/benchmarks/screening_real_data.py --examples # with the pairs that are near
python tests/benchmarks/screening_real_data.py --rows 220000
"""

import argparse
import itertools
import json
import random
import re
import resource
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from cotdistil.screening.removed import Problem, Removal  # noqa: E402
from cotdistil.screening.screen import NEAR_DUPLICATE, hold_out, screen  # noqa: E402
from real_data import DATA  # noqa: E402

BENCHMARKS = ["math500", "math_test", "gsm8k_test", "aime24", "aime25", "amc23"]
BENCHMARKS += ["olympiadbench", "minerva_math"]
BENCHMARK_QUESTIONS = 10_000
WORDS = 60


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, help="time this many synthetic training problems")
    parser.add_argument("--one-block", action="store_true", help="words alone: all are compared")
    parser.add_argument("--examples", action="store_true", help="print the pairs that are near")
    arguments = parser.parse_args()
    if arguments.rows:
        scale(arguments.rows, arguments.one_block)
        return
    overlaps()
    for training in ("math_train_answers", "gsm8k_train"):
        for ngram in (13, 8):
            removals = screen(problems(training), sets(BENCHMARKS), ngram, 0.8)
            report(f"{training}, n = {ngram}", removals)
        removals = screen(problems(training), [], None, 0.8)
        report(f"{training}, no benchmark", removals)
        if arguments.examples:
            show(removals)


def overlaps() -> None:
    """Exact matches between two sets, each counted by the problems of the first."""
    for first, second in (
        ("math_train_answers", "math_test"),
        ("math_train_answers", "math500"),
        ("gsm8k_train", "gsm8k_test"),
        ("math500", "math_test"),
    ):
        found = hold_out(problems(first), sets([second]))
        print(f"{first} in {second}: {sum(map(bool, found))} of {len(found)}")


def scale(rows: int, one_block: bool) -> None:
    """Questions of 60 words, of sentences of real ones with other numbers; one in 50 is a repeat.

    Half of the sentences are the training problems', the other half the benchmark's.
    """
    draw = random.Random(0)
    sentences = [
        sentence
        for name in ("math_train_answers", "gsm8k_train", "math_test", "aime_1983_2023")
        for problem in problems(name)
        if "[asy]" not in problem.question
        for sentence in re.split(r"(?<=[.?!])\s+", problem.question)
    ]
    draw.shuffle(sentences)
    half = len(sentences) // 2
    training = made(rows, sentences[:half], one_block, draw)
    benchmark = made(BENCHMARK_QUESTIONS, sentences[half:], one_block, draw)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started, cpu = time.monotonic(), time.process_time()
    removals = screen(training, [("benchmark", benchmark)], 13, 0.8)
    seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    report(f"{rows:,} synthetic problems", removals)
    print(
        f"  {seconds:.1f} s, {cpu:.1f} CPU-seconds; {peak:.0f} MB at the peak, {before:.0f} before"
    )


def made(count: int, sentences: list[str], one_block: bool, draw: random.Random) -> list[Problem]:
    questions: list[str] = []
    for row in range(count):
        if row % 50 == 49:
            questions.append(draw.choice(questions).replace("the", "this", 1))
            continue
        words: list[str] = []
        while len(words) < WORDS:
            words += draw.choice(sentences).split()
        text = " ".join(words[:WORDS])
        if one_block:
            questions.append(" ".join(re.findall("[a-z]{2,}", text.lower())))
        else:
            questions.append(re.sub("[0-9]+", lambda number: str(draw.randrange(10**3)), text))
    return [Problem(str(row), question) for row, question in enumerate(questions)]


def report(title: str, removals: list[Removal | None]) -> None:
    reasons = Counter(removal.reason for removal in removals if removal)
    print(f"{title}: {len(removals):,} problems, {sum(reasons.values()):,} removed")
    for reason, count in reasons.most_common():
        print(f"  {count:6,}  {reason}")


def show(removals: list[Removal | None]) -> None:
    for removal in removals:
        if removal and removal.reason == NEAR_DUPLICATE:
            print(f"    {removal.matched}  {removal.question!r}")
            print(f"           {removal.matched_question!r}")


def sets(names: list[str]) -> list[tuple[str, list[Problem]]]:
    return [(name, problems(name)) for name in names]


def problems(name: str) -> list[Problem]:
    path = DATA / "problems" / f"{name}.jsonl"
    if not path.is_file():
        sys.exit(f"no {path}; this benchmark needs shared/data beside the checkout")
    with path.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    columns = ("question", "problem", "prompt")
    questions = (next(row[column] for column in columns if column in row) for row in rows)
    return [Problem(f"{name}-{row}", text) for row, text in zip(itertools.count(), questions)]


if __name__ == "__main__":
    main()
