"""Rows a second on real data, beside math-verify on the same rows; and the time of a plain number.

    make math-verify && python tests/benchmarks/grade_throughput.py

Each is asked in one process of its own, with one worker, in turns, and the best of three is taken.
math-verify is asked as its README shows: `verify(parse(gold), parse(response))`, with its defaults.
"""

import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests" / "benchmarks")]

from grade_real_data import GSM8K_MODELS, rows  # noqa: E402

from cotdistil.grading.extract import extract_answer  # noqa: E402
from cotdistil.grading.grader import Grader  # noqa: E402
from cotdistil.grading.second_opinions.math_verify_client import math_verify_python  # noqa: E402

ROUNDS = 3
PLAIN_NUMBERS = 20_000
MATH_VERIFY = """
import json, logging, sys, time
from math_verify import parse, verify
logging.disable()
pairs = [json.loads(line) for line in open(sys.argv[1])]
verify(parse("2x"), parse("$x+x$"))
started = time.perf_counter()
for gold, text in pairs:
    verify(parse(f"${gold}$"), parse(text))
print(time.perf_counter() - started)
"""


def main() -> None:
    for name, pairs in (
        ("qwen_rm_maj_100x8, responses", qwen_responses()),
        ("openai_gsm8k, solutions", gsm8k_solutions()),
        ("grader_cases, answers", grader_cases()),
    ):
        ours = theirs = float("inf")
        for _ in range(ROUNDS):
            ours = min(ours, grade_seconds(pairs))
            theirs = min(theirs, math_verify_seconds(pairs))
        count = len(pairs)
        print(
            f"{name:32} {count:6,} rows  grader {count / ours:8,.0f}/s  math-verify"
            f" {count / theirs:6,.0f}/s  ratio {theirs / ours:6.1f}"
        )
    print(f"a plain numeric answer: median {plain_number_ms():.3f} ms")


def grade_seconds(pairs: list[tuple[str, str]]) -> float:
    """With a new grader, whose worker is started before the clock."""
    with Grader() as grader:
        grader.grade("2x", "x+x")
        started = time.perf_counter()
        grader.grade_all((gold, _answer(text)) for gold, text in pairs)
        return time.perf_counter() - started


def _answer(text: str) -> str | None:
    return extract_answer(text, ["last_number"]).text


def math_verify_seconds(pairs: list[tuple[str, str]]) -> float:
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        file.writelines(json.dumps(pair) + "\n" for pair in pairs)
        file.flush()
        command = [math_verify_python(), "-c", MATH_VERIFY, file.name]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def qwen_responses() -> list[tuple[str, str]]:
    return [(row["gold"], row["response"]) for row in rows("graded/qwen_rm_maj_100x8.jsonl")]


def gsm8k_solutions() -> list[tuple[str, str]]:
    return [
        (row["ground_truth"].rpartition("A: ")[2], row[model]["solution"])
        for row in rows("graded/openai_gsm8k_model_solutions.jsonl")
        for model in GSM8K_MODELS
    ]


def grader_cases() -> list[tuple[str, str]]:
    cases = rows("graded/grader_cases.jsonl")
    return [(row["gold"], f"\\boxed{{{row['pred']}}}") for row in cases]


def plain_number_ms() -> float:
    """The median over pairs that nothing remembers: integers, decimals, thousands, in dollars."""
    rng = random.Random(0)
    times = []
    with Grader() as grader:
        for index in range(PLAIN_NUMBERS):
            value = rng.randint(-(10**6), 10**6)
            answer = (f"{value}", f"{value:,}", f"{value}.0", f"${value + 1}$")[index % 4]
            started = time.perf_counter()
            grader.grade(str(value), answer)
            times.append(time.perf_counter() - started)
    return 1000 * statistics.median(times)


if __name__ == "__main__":
    main()
