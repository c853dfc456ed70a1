"""The traces of a training set, read in chunks, with the steps of their thinking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from cotdistil.checked_rows import read_rows
from cotdistil.parquet_table import BATCH_ROWS, open_table, read_batches
from cotdistil.pruning.cutters import Kept, prefix
from cotdistil.pruning.segmentation import StepsFile
from cotdistil.pruning.steps import split_steps
from cotdistil.responses import split_response

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

NO_THINKING = "no thinking"
UNFINISHED_THINKING = "unfinished thinking"


class Texts(TypedDict):
    """What is read of a row of a training set: pruned, or to be pruned."""

    problem_id: str
    question: str
    gold: str
    response: str


@dataclass(frozen=True)
class Trace:
    """A row of the training set and the steps of its thinking.

    number: of the row, from 0. answer: what follows the thinking. tokens: of the whole response,
    in the student's tokens. uncuttable: why there are no steps, or "".
    """

    number: int
    row: dict
    steps: list[str]
    answer: str
    tokens: int
    uncuttable: str = ""

    def thinking(self, kept: Kept) -> str:
        """The kept steps, without the white space at their end."""
        return "".join(step for start, end in kept for step in self.steps[start:end]).rstrip()

    def whole(self) -> Kept:
        return prefix(len(self.steps))

    def step_ends(self) -> list[int]:
        """Where each step ends, in characters of the thinking."""
        return list(accumulate(map(len, self.steps)))


def make_trace(number: int, row: dict, tokens: int, step_ends: list[int] | None = None) -> Trace:
    """The trace in a row; thinking that is missing, blank or never closed has no steps.

    step_ends: where each step ends, in characters of the thinking; None: by rule.
    """
    response = split_response(row["response"])
    if response.think == "unclosed":
        return Trace(number, row, [], response.answer, tokens, UNFINISHED_THINKING)
    if not (response.thinking or "").strip():
        return Trace(number, row, [], response.answer, tokens, NO_THINKING)
    if step_ends is None:
        steps = split_steps(response.thinking)
    else:
        steps = [response.thinking[a:b] for a, b in pairwise([0, *step_ends])]
    return Trace(number, row, steps, response.answer, tokens)


def read_traces(
    source: Path, tokens: list[int], chunk_traces: int, steps: StepsFile | None
) -> Iterator[list[Trace]]:
    """The traces of a parquet file, at most `chunk_traces` at a time.

    tokens: of each row's response; steps: where a model says that they end, None: by rule. Raises
    `UserError` if they are those of other traces.
    """
    stored = None
    if steps is not None:
        steps.check_count(len(tokens))
        stored = iter(steps)
    chunk: list[Trace] = []
    number = 0
    with open_table(source, list(Texts.__annotations__), "training set") as table:
        for batch in read_batches(table, BATCH_ROWS, table.schema_arrow.names):
            for row in batch.to_pylist():
                ends = None
                if stored is not None:
                    given = next(stored)
                    steps.check(given, number, row["problem_id"], row["response"])
                    ends = given["step_ends"]
                chunk.append(make_trace(number, row, tokens[number], ends))
                number += 1
                if len(chunk) == chunk_traces:
                    yield chunk
                    chunk = []
    if chunk:
        yield chunk


def measure(source: Path, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], int]:
    """Tokens of each response, shape (rows,), and of the longest question and response together.

    Raises `UserError` if a column or a value is missing.
    """
    tokens: list[int] = []
    longest = 0
    for rows in read_rows(source, Texts, "training set"):
        questions = count_tokens([row["question"] for row in rows], tokenizer)
        responses = count_tokens([row["response"] for row in rows], tokenizer)
        tokens += responses
        together = (q + r for q, r in zip(questions, responses, strict=True))
        longest = max(longest, *together)
    return tokens, longest


def count_tokens(texts: list[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens of each text, without special ones; the name of one in a text is text."""
    if not texts:
        return []
    encoded = tokenizer(texts, add_special_tokens=False, split_special_tokens=True)
    return [len(ids) for ids in encoded["input_ids"]]
