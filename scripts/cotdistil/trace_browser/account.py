"""What became of a whole training set, whether all of it is shown or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

from cotdistil.broken_files import broken
from cotdistil.parquet_table import count_rows
from cotdistil.pruning.payload import STAGE, read_summaries


@dataclass
class Account:
    """reasons: why each trace was left as it is, with how many; dropped: those of them that are
    gone. tokens_in: the student's tokens of all traces; tokens_before, tokens_after: of those that
    were kept. Without pruning there are no reasons, and tokens are not known (0).
    """

    rows: int
    reasons: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    tokens_in: int = 0
    tokens_before: int = 0
    tokens_after: int = 0

    @property
    def rows_left(self) -> int:
        return self.rows - self.dropped.total()


def pruning_account(
    pruned: Path, rows: int, numbers: Iterable[int]
) -> tuple[Account, list[int | None]]:
    """What became of `rows` traces, and for each of the rows `numbers`, its row in what is left.

    Raises `UserError` if traces.parquet is about another number of traces, or train.parquet has
    others than those that are kept.
    """
    account = Account(rows)
    wanted = set(numbers)
    left: list[int | None] = []
    for row in chain.from_iterable(read_summaries(pruned)):
        dropped = row["kept_spans"] is None
        if row["row"] in wanted:
            left.append(None if dropped else row["row"] - account.dropped.total())
        account.reasons[row["reason"]] += 1
        account.tokens_in += row["tokens_before"]
        if dropped:
            account.dropped[row["reason"]] += 1
        else:
            account.tokens_before += row["tokens_before"]
            account.tokens_after += row["tokens_after"]
    remains = count_rows(pruned / "train.parquet", STAGE)
    for file, found, expected, which in (
        ("traces", account.reasons.total(), rows, "one for each row of the training set"),
        ("train", remains, account.rows_left, "those that traces.parquet keeps"),
    ):
        if found != expected:
            path = pruned / f"{file}.parquet"
            raise broken(path, f"found {found} traces; expected {expected}, {which}")
    return account, left
