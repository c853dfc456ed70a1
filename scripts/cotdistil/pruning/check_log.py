"""Verdicts on disk: what a killed job has asked is not asked again."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from cotdistil.pruning.cutters import Candidate, Kept
from cotdistil.teaching.answer_log import AnswerLog


@dataclass(frozen=True)
class Check:
    """One validated candidate: the steps `kept` of the trace in row `trace` of the training set.

    valid: None where the prompt did not fit into the student's context and was not asked.
    answers: what the student wrote, one per sample asked for; extracted: the answer read in each,
    or None; right: whether it equals the gold answer. prompt_tokens: of one prompt; cached_tokens:
    of all samples' prompts, read from the engine's prefix cache, or None where it does not tell;
    completion_tokens: summed over the samples. call: the number of the engine's call, from 0, or
    None where it was not asked.
    """

    trace: int
    kept: Kept
    greedy: bool
    valid: bool | None
    prompt_tokens: int
    cached_tokens: int | None
    completion_tokens: int
    answers: list[str]
    extracted: list[str | None]
    right: list[bool]
    call: int | None


class CheckLog:
    """The checks in one file; a context manager. They are on the disk soon after `add` returns."""

    def __init__(self, file: Path):
        self._log = AnswerLog(file)
        self.calls = 0  # of the engine, those of earlier runs included

    def __enter__(self) -> CheckLog:
        self._log.__enter__()
        known = [row["call"] for row in self._log.rows() if row["call"] is not None]
        self.calls = max(known, default=-1) + 1
        return self

    def __exit__(self, *details: object) -> None:
        self._log.__exit__(*details)

    def find(self, trace: int, candidate: Candidate) -> Check | None:
        """The check of this candidate, if it was asked already."""
        name = _name(trace, candidate)
        if name not in self._log:
            return None
        row = self._log.row(name)
        del row["id"]
        row["kept"] = tuple(tuple(span) for span in row["kept"])
        return Check(**row)

    def add(self, check: Check) -> None:
        """Write one check down. Raises ValueError if it is there already."""
        name = _name(check.trace, Candidate(check.kept, check.greedy))
        self._log.append({"id": name, **asdict(check)})


def _name(trace: int, candidate: Candidate) -> str:
    spans = ",".join(f"{start}-{end}" for start, end in candidate.kept)
    return f"{trace}:{spans}{' greedily' if candidate.greedy else ''}"
