"""Rounds of verdicts on disk: what a killed job has asked is not asked again."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Check:
    """One validated cut: the first `steps` steps of the trace in row `trace` of the training set.

    valid: None where the prompt did not fit into the student's context and was not asked.
    answers: what the student wrote, one per sample asked for; extracted: the answer read in each,
    or None; right: whether it equals the gold answer. prompt_tokens: of one prompt;
    completion_tokens: summed over the samples.
    """

    trace: int
    steps: int
    valid: bool | None
    prompt_tokens: int
    completion_tokens: int
    answers: list[str]
    extracted: list[str | None]
    right: list[bool]


def keep_round(
    file: Path, asked: list[tuple[int, int]], ask: Callable[[list[tuple[int, int]]], list[Check]]
) -> list[Check]:
    """The checks of one round: read from `file` if they answer `asked`, else asked and written.

    asked: (trace, steps) of each check. The file appears whole or not at all.
    """
    if file.exists():
        with file.open(encoding="ascii") as lines:
            checks = [Check(**json.loads(line)) for line in lines]
        if [(check.trace, check.steps) for check in checks] == asked:
            return checks
    checks = ask(asked)
    unfinished = file.with_suffix(".unfinished")
    with unfinished.open("w", encoding="ascii") as handle:
        handle.writelines(json.dumps(asdict(check)) + "\n" for check in checks)
        handle.flush()
        os.fsync(handle.fileno())
    unfinished.replace(file)
    return checks
