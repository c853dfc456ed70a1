"""Time and memory of grading millions of synthetic pairs, one in a hundred by algebra.

    python tests/benchmarks/grade_millions.py [ROWS]

Memory is the largest sum of resident sets over the command and its workers, sampled twice a second.
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2_700_000
    with tempfile.TemporaryDirectory() as folder:
        pairs, graded = Path(folder) / "pairs.jsonl", Path(folder) / "graded.jsonl"
        with pairs.open("w", encoding="utf-8") as file:
            for row in synthetic_pairs(count):
                file.write(json.dumps(row) + "\n")
        command = [sys.executable, str(ROOT / "scripts" / "grade.py")]
        started = time.monotonic()
        process = psutil.Popen([*command, "--pairs", pairs, "--out", graded, "--workers", "2"])
        peak = 0
        while process.poll() is None:
            peak = max(peak, resident_bytes(process))
            time.sleep(0.5)
        seconds = time.monotonic() - started
        if process.returncode:
            sys.exit(process.returncode)
        wrong = unexpected(graded)
    print(f"{count:,} rows: {seconds:.0f} s, {count / seconds:,.0f} rows/s, {peak / 1e9:.2f} GB")
    print(f"verdicts other than the pair was made for: {wrong:,}")


def synthetic_pairs(count: int) -> Iterator[dict]:
    """Pairs as models write them, two in three of them right; every hundredth needs algebra."""
    rng = random.Random(0)
    for index in range(count):
        right = rng.random() < 2 / 3
        value = rng.randint(-9999, 99999)
        other = value if right else value + rng.randint(1, 9)
        kind = rng.choice(ALGEBRA) if index % 100 == 0 else rng.choice(PLAIN)
        gold, pred = kind(value, other, rng.randint(2, 99))
        yield {"id": index, "gold": gold, "pred": pred, "made_right": right}


PLAIN = (
    lambda a, b, c: (str(a), str(b)),
    lambda a, b, c: (str(a), str(b)),
    lambda a, b, c: (str(a), f"{b:,}"),
    lambda a, b, c: (float(a), f"${b}$"),
    lambda a, b, c: (str(a), f"{b}.00"),
    lambda a, b, c: (rf"\frac{{{a}}}{{{c}}}", rf"\dfrac{{{b}}}{{{c}}}"),
    lambda a, b, c: (rf"\frac{{{a}}}{{{c}}}", f"{b}/{c}"),
    lambda a, b, c: (rf"{a}\text{{ cm}}", f"{b} cm"),
    lambda a, b, c: (f"({a}, {c})", rf"\left({b},{c}\right)"),
    lambda a, b, c: (f"x={a}", str(b)),
    lambda a, b, c: (rf"\text{{{a} apples}}", rf"{b}\ \text{{apples}}"),
    lambda a, b, c: (f"{a}, {c}", f"{c}, {b}"),
)
ALGEBRA = (
    lambda a, b, c: (f"(x+{c})^2+{a}".replace("+-", "-"), f"x^2+{2 * c}x+{c * c + b}"),
    lambda a, b, c: (rf"{a}\pi+\sqrt{{{c}}}", rf"\sqrt{{{c}}}+{b}\pi"),
    lambda a, b, c: (rf"\frac{{{a}}}{{\sqrt{{{c}}}}}", rf"\frac{{{b}\sqrt{{{c}}}}}{{{c}}}"),
    lambda a, b, c: (f"{a}x+{c}y", f"{c}y+{b}x"),
)


def resident_bytes(process: psutil.Process) -> int:
    total = 0
    try:
        for each in (process, *process.children(recursive=True)):
            total += each.memory_info().rss
    except psutil.NoSuchProcess:
        pass
    return total


def unexpected(graded: Path) -> int:
    with graded.open(encoding="utf-8") as file:
        return sum(row["correct"] is not row["made_right"] for row in map(json.loads, file))


if __name__ == "__main__":
    main()
