"""An arm's scored samples, reduced to a share of correct ones per question and checked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cotdistil.errors import UserError

SCORE_COLUMNS = [
    "problem_id",
    "sample_index",
    "correct",
    "truncated",
    "unparsed",
    "token_count",
]


@dataclass(frozen=True)
class Arm:
    """One arm on one benchmark: k samples of each problem. Base has no seed."""

    student: str
    recipe: str
    stage: str
    seed: int | None
    benchmark: str
    k: int

    @property
    def is_base(self) -> bool:
        return self.stage == "base"

    @property
    def name(self) -> str:
        words = [self.student, "base"] if self.is_base else [self.student, self.recipe, self.stage]
        if self.seed is not None:
            words.append(f"seed {self.seed}")
        return f"{' / '.join(words)} on {self.benchmark}"


@dataclass(frozen=True, eq=False)
class ScoredArm(Arm):
    """An arm with its samples reduced to a share of correct ones per question."""

    problem_ids: tuple[str, ...]
    """Sorted, n of them."""
    accuracy: np.ndarray
    """Share of correct samples, shape (n,), in the order of `problem_ids`."""
    mean_tokens: float
    """Tokens per response, over all n·k samples."""
    truncated: float
    """Share of the samples that hit the token limit."""
    unparsed: float
    """Share of the samples in which no answer was found."""


def score_arm(description: Mapping[str, Any], scores: pd.DataFrame) -> ScoredArm:
    """Reduce the scores of one arm on one benchmark.

    `description`: student, recipe, stage, seed (None for base), benchmark, k.
    `scores`: a row per sample with `SCORE_COLUMNS`, in any order.

    Raises UserError unless each problem has exactly k samples without gaps or repeats: avg@k over
    fewer than k samples is another quantity.
    """
    base = description["stage"] == "base"
    arm = Arm(
        student=description["student"],
        recipe="base" if base else description["recipe"],
        stage=description["stage"],
        seed=None if base else description["seed"],
        benchmark=description["benchmark"],
        k=description["k"],
    )
    missing = [column for column in SCORE_COLUMNS if column not in scores.columns]
    if missing:
        raise UserError(
            f"scores of {arm.name}: found no column {quoted(missing)}; "
            "expected the output of the score stage; score the arm again"
        )
    scores = scores[SCORE_COLUMNS]
    if scores.empty:
        raise UserError(
            f"scores of {arm.name}: found no samples; expected {arm.k} per problem; "
            "sample and score the arm again"
        )
    empty = [column for column in SCORE_COLUMNS if scores[column].isna().any()]
    if empty:
        raise UserError(
            f"scores of {arm.name}: found empty values in {quoted(empty)}; "
            "expected a value for every sample; score the arm again"
        )

    repeated = scores.duplicated(["problem_id", "sample_index"])
    if repeated.any():
        problem, index = scores.loc[repeated, ["problem_id", "sample_index"]].iloc[0]
        raise UserError(
            f"scores of {arm.name}: found sample {index} of problem {problem!r} more than once, "
            f"{int(repeated.sum())} repeats in all; expected each once; sample the arm again"
        )
    by_problem = scores.groupby("problem_id", sort=True)
    counts = by_problem.size()
    wrong = counts[counts != arm.k]
    if len(wrong):
        raise UserError(
            f"scores of {arm.name}: found {wrong.iloc[0]} samples of problem {wrong.index[0]!r}"
            f" ({len(wrong)} of {len(counts)} problems differ from k); expected exactly k = {arm.k}"
            " of each, since avg@k over another number of samples is not comparable; "
            "sample the arm again or change the benchmark's k"
        )
    return ScoredArm(
        **vars(arm),
        problem_ids=tuple(counts.index),
        accuracy=by_problem["correct"].sum().to_numpy(dtype=float) / arm.k,
        mean_tokens=float(scores["token_count"].astype(float).mean()),
        truncated=float(scores["truncated"].astype(float).mean()),
        unparsed=float(scores["unparsed"].astype(float).mean()),
    )


def check_comparable(arms: Sequence[ScoredArm]) -> None:
    """Raise UserError unless all arms of a benchmark have the same problems and the same k."""
    first: dict[str, ScoredArm] = {}
    seen: set[tuple[object, ...]] = set()
    for arm in arms:
        identity = (arm.student, arm.recipe, arm.stage, arm.seed, arm.benchmark)
        if identity in seen:
            raise UserError(f"{arm.name}: found twice; expected each arm once")
        seen.add(identity)
        other = first.setdefault(arm.benchmark, arm)
        if arm.k != other.k:
            raise UserError(
                f"{arm.name}: found k = {arm.k}; expected k = {other.k} as for "
                f"{other.name}; sample both with the same k"
            )
        if arm.problem_ids != other.problem_ids:
            lacking = sorted(set(other.problem_ids) - set(arm.problem_ids))
            extra = sorted(set(arm.problem_ids) - set(other.problem_ids))
            raise UserError(
                f"{arm.name}: found {len(arm.problem_ids)} problems, {len(lacking)} missing"
                f" ({quoted(lacking)}) and {len(extra)} unknown ({quoted(extra)}); expected the "
                f"{len(other.problem_ids)} of {other.name}; sample the arm again"
            )


def quoted(names: Sequence[str], limit: int = 5) -> str:
    """Names for a message: the first few, quoted."""
    shown = ", ".join(repr(name) for name in names[:limit]) or "none"
    return shown + (", …" if len(names) > limit else "")
