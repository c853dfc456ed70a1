"""Rejection and choice: which of a corpus's traces are learned from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cotdistil.curation.ranking import rank
from cotdistil.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

NOT_SHARED = "problem without such a trace in every corpus"
NOT_CHOSEN = "another trace of the problem is chosen"
OVER_LENGTH = "over length"


@dataclass(frozen=True)
class Filter:
    """What a trace must be like.

    correct_only: correct, and not known to have ended before its end.
    max_tokens: longest response in the student's tokens, None: any. over_length: what happens to a
    longer one: `drop`, `raise`, or `truncate`, which keeps it here.
    """

    correct_only: bool = True
    max_tokens: int | None = None
    over_length: str = "drop"

    def rejected(self, traces: pd.DataFrame) -> pd.Series:
        """Why each trace is left out, "" where it is not; the first reason that holds.

        traces: problem_id, correct, complete, and response_tokens where there is a limit.
        Raises `UserError` on a trace over the limit where the policy is `raise`.
        """
        import pandas as pd

        reasons = pd.Series("", index=traces.index, dtype=object)
        if self.correct_only:
            reasons[traces["correct"].isna()] = "no verdict"
            reasons[traces["correct"].eq(False).fillna(False).astype(bool)] = "not correct"
            unfinished = traces["complete"].eq(False).fillna(False).astype(bool)
            reasons[unfinished & (reasons == "")] = "not complete"
        if self.max_tokens is not None and self.over_length != "truncate":
            too_long = (traces["response_tokens"] > self.max_tokens) & (reasons == "")
            if too_long.any() and self.over_length == "raise":
                first = traces[too_long].iloc[0]
                raise UserError(
                    f"the trace of problem '{first['problem_id']}' has {first['response_tokens']}"
                    f" tokens; the recipe's max_tokens is {self.max_tokens}; raise the limit, or"
                    " set training.sft.over_length to drop or truncate"
                )
            reasons[too_long] = OVER_LENGTH
        return reasons


def select(
    traces: pd.DataFrame,
    keep: Filter,
    choose: str,
    seed: int,
    removed: dict[str, str],
    shared_with: list[pd.DataFrame],
) -> tuple[pd.DataFrame, Counter[str]]:
    """The rows of `traces` that are learned from, in their order, and drop reason -> number.

    traces: as `Filter.rejected` takes them, with sample_index and n_chars.
    choose: `first`, `random`, `shortest` or `all` of a problem's traces.
    removed: problem id -> why screening removed it.
    shared_with: traces of other corpora; a problem stays only if each has a trace that `keep`
    keeps, as the pairs of training sets of arXiv 2502.12143 have.
    """
    reasons = traces["problem_id"].map(removed).astype(object)
    screened = reasons.isna()
    reasons[screened] = keep.rejected(traces[screened])
    for other in shared_with:
        other = other[other["problem_id"].isin(traces["problem_id"][reasons == ""])]
        solved = set(other["problem_id"][keep.rejected(other) == ""])
        reasons[(reasons == "") & ~traces["problem_id"].isin(solved)] = NOT_SHARED
    if choose != "all":
        left = traces[reasons == ""]
        chosen = _in_order_of_choice(left, choose, seed).drop_duplicates("problem_id").index
        reasons[left.index.difference(chosen)] = NOT_CHOSEN
    return traces[reasons == ""], Counter(reasons[reasons != ""])


def _in_order_of_choice(traces: pd.DataFrame, choose: str, seed: int) -> pd.DataFrame:
    if choose == "random":
        names = traces["problem_id"] + "#" + traces["sample_index"].astype(str)
        return traces.assign(rank=[rank(name, seed) for name in names]).sort_values("rank")
    columns = ["sample_index"] if choose == "first" else ["n_chars", "sample_index"]
    return traces.sort_values(columns, kind="stable")
