"""The summary of all arms and the gaps between recipes, as tables."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from cotdistil.errors import UserError
from cotdistil.scored_arms import ScoredArm, check_comparable, quoted
from cotdistil.statistics import mean_interval, mean_of_benchmarks, paired_difference

SUMMARY_COLUMNS = [
    "student",
    "recipe",
    "stage",
    "seed",
    "benchmark",
    "n",
    "k",
    "accuracy",
    "ci_low",
    "ci_high",
    "delta_vs_base",
    "delta_ci_low",
    "delta_ci_high",
    "mean_tokens",
    "truncated",
    "unparsed",
]
GAP_COLUMNS = [
    "gap",
    "student",
    "stage",
    "seed",
    "benchmark",
    "n",
    "k",
    "recipe",
    "reference",
    "accuracy",
    "reference_accuracy",
    "delta",
    "delta_ci_low",
    "delta_ci_high",
]


def summary_table(arms: Sequence[ScoredArm], level: float = 0.95) -> pd.DataFrame:
    """A row per arm and benchmark, with intervals over questions and the difference to base.

    Rows are ordered by student, then base before the recipes, then recipe, stage, seed and
    benchmark, each in the order of its first appearance in `arms`. Accuracies and shares are in
    [0, 1]; `seed` and the difference are empty for base.

    Raises UserError if arms of a benchmark differ in problems or k, or a student lacks its base.
    """
    check_comparable(arms)
    bases = {(arm.student, arm.benchmark): arm for arm in arms if arm.is_base}
    rows = []
    for arm in _in_config_order(arms):
        accuracy = mean_interval(arm.accuracy, arm.k, level)
        delta: Iterable[float | None] = (None, None, None)
        if not arm.is_base:
            base = bases.get((arm.student, arm.benchmark))
            if base is None:
                raise UserError(
                    f"{arm.name}: found no scores of the untouched {arm.student} on "
                    f"{arm.benchmark}; expected stage 'base'; add it"
                )
            delta = paired_difference(arm.accuracy, base.accuracy, level)
        rows.append(
            (
                arm.student,
                arm.recipe,
                arm.stage,
                arm.seed,
                arm.benchmark,
                len(arm.accuracy),
                arm.k,
                *accuracy,
                *delta,
                arm.mean_tokens,
                arm.truncated,
                arm.unparsed,
            )
        )
    return _frame(rows, SUMMARY_COLUMNS)


def gap_table(
    arms: Sequence[ScoredArm], gaps: Mapping[str, Sequence[str]], level: float = 0.95
) -> pd.DataFrame:
    """Paired differences between two recipes for the same student, stage and seed.

    `gaps`: name of the gap to [recipe, reference], as {"delta_long": ["long", "short"]}.
    Where there are several benchmarks a row "mean" follows: the unweighted mean over benchmarks,
    as Delta_Long in arXiv 2502.12143. Its n is the sum over benchmarks, its k is empty unless they
    agree. An arm of one recipe without its counterpart (other student, stage or seed) has no row.

    Raises UserError if a gap finds no pair at all, or a pair lacks a benchmark.
    """
    check_comparable(arms)
    ordered = [arm for arm in _in_config_order(arms) if not arm.is_base]
    benchmarks = list(dict.fromkeys(arm.benchmark for arm in arms))
    runs = dict.fromkeys((arm.student, arm.stage, arm.seed) for arm in ordered)
    found = {(a.recipe, a.student, a.stage, a.seed, a.benchmark): a for a in ordered}
    rows = []
    for gap, (recipe, reference) in gaps.items():
        paired = [
            run
            for run in runs
            if all(any((side, *run, b) in found for b in benchmarks) for side in gaps[gap])
        ]
        if not paired:
            recipes = list(dict.fromkeys(arm.recipe for arm in ordered))
            raise UserError(
                f"gaps.{gap}: found no student, stage and seed with both "
                f"{quoted([recipe, reference])}; expected two of the recipes {quoted(recipes)}"
            )
        for run in paired:
            parts = []
            for benchmark in benchmarks:
                for side in (recipe, reference):
                    if (side, *run, benchmark) not in found:
                        raise UserError(
                            f"gaps.{gap}: found no scores of {run[0]} / {side} on "
                            f"{benchmark}; expected both recipes on every benchmark; add them"
                        )
                a, b = found[recipe, *run, benchmark], found[reference, *run, benchmark]
                p = (float(a.accuracy.mean()), float(b.accuracy.mean()))
                delta = paired_difference(a.accuracy, b.accuracy, level)
                parts.append((benchmark, len(a.accuracy), a.k, p, delta))
            if len(parts) > 1:
                parts.append(_mean_part(parts))
            rows += [
                (gap, *run, benchmark, n, k, recipe, reference, *p, *delta)
                for benchmark, n, k, p, delta in parts
            ]
    return _frame(rows, GAP_COLUMNS)


def _mean_part(parts: list[tuple]) -> tuple:
    _, n, k, p, deltas = zip(*parts, strict=True)
    one_k = k[0] if len(set(k)) == 1 else None
    return "mean", sum(n), one_k, np.mean(p, axis=0).tolist(), mean_of_benchmarks(deltas)


def _in_config_order(arms: Sequence[ScoredArm]) -> list[ScoredArm]:
    fields = ["student", "recipe", "stage", "seed", "benchmark"]
    rank = {field: {} for field in fields}
    for arm in arms:
        for field in fields:
            rank[field].setdefault(getattr(arm, field), len(rank[field]))

    def position(arm: ScoredArm) -> tuple[int, ...]:
        student, *rest = (rank[field][getattr(arm, field)] for field in fields)
        return (student, int(not arm.is_base), *rest)

    return sorted(arms, key=position)


def _frame(rows: list[tuple], columns: list[str]) -> pd.DataFrame:
    frame = pd.DataFrame.from_records(rows, columns=columns)
    integers = [column for column in ("seed", "n", "k") if column in columns]
    words = {"student", "recipe", "stage", "benchmark", "gap", "reference"}
    types = {
        column: "Int64" if column in integers else "float64"
        for column in columns
        if column not in words
    }
    return frame.astype(types)
