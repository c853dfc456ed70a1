"""Mixing training sets: which part answers which problem (arXiv 2502.12143, section 4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from cotdistil.curation.ranking import ranked, share_out
from cotdistil.errors import UserError


def assign_problems(
    parts: Sequence[Sequence[str]], weights: Sequence[float], seed: int
) -> tuple[list[set[str]], Counter[str]]:
    """The problems that each part answers, in whole shares that follow the weights.

    parts: the problem id of each row of each part. Each problem that every part has is answered by
    one of them, so the weights leave the number of problems unchanged. Also returns, drop reason
    -> number, the rows that are left out. Raises `UserError` if the parts share no problem.
    """
    shared = set.intersection(*map(set, parts))
    if not shared:
        raise UserError(
            f"the {len(parts)} parts of the mix have no problem in common; expected parts made from"
            " the same problems; check what each part dropped"
        )
    order = ranked(shared, seed)
    assigned: list[set[str]] = []
    start = 0
    for count in share_out(len(order), weights):
        assigned.append(set(order[start : start + count]))
        start += count
    dropped: Counter[str] = Counter()
    for part, own in zip(parts, assigned, strict=True):
        lonely = sum(problem not in shared for problem in part)
        dropped["problem not in every part"] += lonely
        dropped["another part answers the problem"] += (
            len(part) - lonely - sum(problem in own for problem in part)
        )
    return assigned, dropped
