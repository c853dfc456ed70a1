"""The summary table as aligned text for a terminal, at most 100 characters wide.

Only the standard library is imported: the workflow calls this when a run ends.
"""

import csv
import itertools
from collections.abc import Iterable
from pathlib import Path

WIDTH = 100
_RIGHT_OF_ARM = ["accuracy %", "vs base, points", "tokens", "truncated", "no answer"]
_NOTE = (
    "Mean [95 % confidence interval over questions]; vs base: paired difference on the same\n"
    "questions. truncated, no answer: share of responses in per cent."
)


def format_terminal(summary_csv: str | Path) -> str:
    """The rows of summary.csv in per cent, a block per student and benchmark.

    `summary_csv`: path of the file that the stage `tables` wrote.
    """
    with open(summary_csv, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    several_seeds = len({row["seed"] for row in rows if row["seed"]}) > 1
    several_stages = len({row["stage"] for row in rows if row["stage"] != "base"}) > 1
    blocks: dict[tuple[str, ...], list[list[str]]] = {}
    for row in rows:
        block = blocks.setdefault(tuple(row[key] for key in ("student", "benchmark", "n", "k")), [])
        block.append(_cells(row, several_seeds, several_stages))

    cells = [["", *_RIGHT_OF_ARM], *itertools.chain(*blocks.values())]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    widths[0] = max(1, min(widths[0], WIDTH - 2 - sum(2 + width for width in widths[1:])))
    lines = []
    for (student, benchmark, n, k), block in blocks.items():
        questions = "question" if n == "1" else "questions"
        lines.append(_clipped(f"{student} on {benchmark} ({n} {questions}, avg@{k})", WIDTH))
        lines += [_aligned(line, widths) for line in [["", *_RIGHT_OF_ARM], *block]]
        lines.append("")
    return "\n".join([*lines, _NOTE])


def _cells(row: dict[str, str], seeds: bool, stages: bool) -> list[str]:
    arm = row["recipe"]
    if row["stage"] != "base":
        arm += f", {row['stage']}" * stages + f", seed {row['seed']}" * seeds
    accuracy = _with_interval(row["accuracy"], row["ci_low"], row["ci_high"], "")
    delta = _with_interval(row["delta_vs_base"], row["delta_ci_low"], row["delta_ci_high"], "+")
    tokens = f"{float(row['mean_tokens']):.0f}"
    return [arm, accuracy, delta, tokens, *(_percent(row[x]) for x in ("truncated", "unparsed"))]


def _with_interval(value: str, low: str, high: str, sign: str) -> str:
    if not value:
        return ""
    width = 5 if sign else 4
    value, low, high = (_percent(number, sign).rjust(width) for number in (value, low, high))
    return f"{value} [{low}, {high}]"


def _percent(share: str, sign: str = "") -> str:
    # Adding zero turns a rounded -0.0 into 0.0.
    return f"{round(100 * float(share), 1) + 0.0:{sign}.1f}"


def _aligned(line: Iterable[str], widths: list[int]) -> str:
    arm, *numbers = line
    right = "".join(f"  {text:>{width}}" for text, width in zip(numbers, widths[1:], strict=True))
    return f"  {_clipped(arm, widths[0]):<{widths[0]}}{right}".rstrip()


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
