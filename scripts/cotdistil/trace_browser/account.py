"""What became of a whole training set, whether all of it is shown or not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from cotdistil.errors import UserError
from cotdistil.parquet_table import BATCH_ROWS, open_table, read_batches

COLUMNS = ("kept_steps", "reason", "tokens_before", "tokens_after")


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

    Raises `UserError` if traces.parquet is about another number of traces.
    """
    account = Account(rows)
    wanted = set(numbers)
    left: list[int | None] = []
    number = 0
    with open_table(pruned / "traces.parquet", COLUMNS, "pruned") as table:
        for batch in read_batches(table, BATCH_ROWS, COLUMNS):
            for row in batch.to_pylist():
                dropped = row["kept_steps"] is None
                if number in wanted:
                    left.append(None if dropped else number - account.dropped.total())
                number += 1
                account.reasons[row["reason"]] += 1
                account.tokens_in += row["tokens_before"]
                if dropped:
                    account.dropped[row["reason"]] += 1
                else:
                    account.tokens_before += row["tokens_before"]
                    account.tokens_after += row["tokens_after"]
    if number != rows:
        raise UserError(
            f"{pruned / 'traces.parquet'}: found {number} traces; expected {rows}, one for each row"
            f" of the training set; make it again: clean_store.py --remake pruned/{pruned.name}"
        )
    return account, left
