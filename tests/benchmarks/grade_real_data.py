"""How well the grader agrees with public verdicts, and that every real gold answer equals itself.

python tests/benchmarks/grade_real_data.py
"""

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from cotdistil.grading.extract import extract_answer  # noqa: E402
from cotdistil.grading.grader import Grader  # noqa: E402
from real_data import DATA  # noqa: E402

GSM8K_MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")
GOLDS = {
    "math_test": lambda row: extract_answer(row["solution"]).text,
    "math_train_answers": lambda row: row["answer"],
    "minerva_math": lambda row: extract_answer(row["solution"]).text,
    "aime24": lambda row: row["answer"],
    "aime25": lambda row: row["answer"],
    "aime_1983_2023": lambda row: row["answer"],
    "amc23": lambda row: row["answer"],
    "olympiadbench": lambda row: row["final_answer"],
    "gaokao2023en": lambda row: row["answer"],
}


def main() -> None:
    with Grader(workers=2) as grader:
        for name, judged in (
            ("grader_cases", grader_cases()),
            ("openai_gsm8k_model_solutions", gsm8k_solutions()),
            ("qwen_rm_maj_100x8", qwen_samples()),
        ):
            report(name, list(judged), grader)
        for name, gold_of in GOLDS.items():
            golds = [gold_of(row) for row in rows(f"problems/{name}.jsonl")]
            report(f"{name}, gold against itself", list(against_itself(golds)), grader)


def report(name: str, cases: list[tuple], grader: Grader) -> None:
    """`cases`: (gold, answer, expected verdict)."""
    verdicts = grader.grade_all((gold, answer) for gold, answer, _ in cases)
    judged = list(zip(cases, verdicts, strict=True))
    agree = sum(bool(verdict.correct) is case[2] for case, verdict in judged)
    wrong = sum(bool(verdict.correct) and not case[2] for case, verdict in judged)
    print(f"{name:45} {agree:6,} of {len(cases):6,}  {agree / len(cases):7.2%}  {wrong} wrong true")
    for (gold, answer, expected), verdict in judged:
        if bool(verdict.correct) is not expected:
            print(f"    gold {gold!r}, answer {answer!r}: expected {expected}, {verdict}")


def grader_cases() -> Iterator[tuple]:
    for row in rows("graded/grader_cases.jsonl"):
        yield row["gold"], row["pred"], row["expected"]


def gsm8k_solutions() -> Iterator[tuple]:
    for row in rows("graded/openai_gsm8k_model_solutions.jsonl"):
        gold = row["ground_truth"].rpartition("A: ")[2]
        for model in GSM8K_MODELS:
            answer = extract_answer(row[model]["solution"], ["last_number"]).text
            yield gold, answer, row[model]["is_correct"]


def qwen_samples() -> Iterator[tuple]:
    for row in rows("graded/qwen_rm_maj_100x8.jsonl"):
        yield row["gold"], extract_answer(row["response"]).text, row["score"]


def against_itself(golds: Iterable) -> Iterator[tuple]:
    for gold in golds:
        alternatives = gold if isinstance(gold, list) else [gold]
        for one in alternatives:
            yield gold, str(one), True


def rows(name: str) -> list[dict]:
    path = DATA / name
    if not path.is_file():
        sys.exit(f"no {path}; this benchmark needs shared/data beside the checkout")
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


if __name__ == "__main__":
    main()
