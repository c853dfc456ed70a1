"""Judgements on disk: JSON Lines that grow by whole lines and survive a kill."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from cotdistil.errors import UserError


@dataclass(frozen=True)
class Judgement:
    """What a judge said of one mismatch.

    correct: its verdict, None where there is none. reply: its words, None if it was not asked or
    did not answer. error: why there is no verdict, else None.
    prompt_tokens, completion_tokens: of its request; 0 where the reply is that of a mismatch that
    is alike, so that sums are what was paid for.
    """

    id: str
    correct: bool | None
    reply: str | None
    error: str | None
    prompt_tokens: int
    completion_tokens: int


def read_judgements(path: Path) -> dict[str, Judgement]:
    """Id -> judgement, the last one of each id; empty if there is no file.

    A half-written last line counts as absent. Raises `UserError` for any other line that is none.
    """
    judgements: dict[str, Judgement] = {}
    if not path.exists():
        return judgements
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n"):
                break
            try:
                judgement = Judgement(**json.loads(line))
            except (ValueError, TypeError):
                raise UserError(
                    f"{path}, line {number}: found no judgement; expected a JSON object with the"
                    " fields of one; delete the line, and a rerun asks again"
                ) from None
            judgements[judgement.id] = judgement
    return judgements


def append_judgements(file: BinaryIO, judgements: Sequence[Judgement]) -> None:
    """Append to `file`, and return when it is on the disk."""
    lines = (json.dumps(asdict(judgement)).encode("ascii") + b"\n" for judgement in judgements)
    file.write(b"".join(lines))
    file.flush()
    os.fsync(file.fileno())


def cut_half_written(path: Path) -> None:
    """Cut a last line that a kill left without its end, so that the next does not join it."""
    if not path.exists():
        return
    with path.open("r+b") as file:
        file.truncate(sum(len(line) for line in file if line.endswith(b"\n")))
