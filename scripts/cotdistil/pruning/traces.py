"""The traces of a training set, read in chunks, with the steps of their thinking."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.errors import UserError
from cotdistil.parquet_table import read_batches
from cotdistil.pruning.steps import split_steps
from cotdistil.responses import split_response

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

COLUMNS = ("problem_id", "question", "gold", "response")
NO_THINKING = "no thinking"
UNFINISHED_THINKING = "unfinished thinking"
TOKENIZED_TOGETHER = 1024


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

    def thinking(self, steps: int) -> str:
        """The first `steps` steps, without the white space at their end."""
        return "".join(self.steps[:steps]).rstrip()


def make_trace(number: int, row: dict, tokens: int) -> Trace:
    """The trace in a row; thinking that is missing, blank or never closed has no steps."""
    response = split_response(row["response"])
    if response.think == "unclosed":
        return Trace(number, row, [], response.answer, tokens, UNFINISHED_THINKING)
    if not (response.thinking or "").strip():
        return Trace(number, row, [], response.answer, tokens, NO_THINKING)
    return Trace(number, row, split_steps(response.thinking), response.answer, tokens)


def read_traces(source: Path, tokens: list[int], chunk_traces: int) -> Iterator[list[Trace]]:
    """The traces of a parquet file, at most `chunk_traces` at a time; `tokens`: one per row."""
    import pyarrow.parquet as pq

    number = 0
    with pq.ParquetFile(source) as file:
        for batch in file.iter_batches(batch_size=chunk_traces):
            rows = batch.to_pylist()
            yield [make_trace(number + i, row, tokens[number + i]) for i, row in enumerate(rows)]
            number += len(rows)


def measure(source: Path, tokenizer: PreTrainedTokenizerBase) -> tuple[list[int], int]:
    """Tokens of each response, shape (rows,), and of the longest question and response together.

    Raises `UserError` if a column is missing.
    """
    import pyarrow.parquet as pq

    tokens: list[int] = []
    longest = 0
    with pq.ParquetFile(source) as file:
        missing = [name for name in COLUMNS if name not in file.schema_arrow.names]
        if missing:
            raise UserError(
                f"{source}: found no column '{missing[0]}'; expected {', '.join(COLUMNS)}; build"
                " the training set again"
            )
        for batch in read_batches(file, TOKENIZED_TOGETHER, ["question", "response"]):
            columns = batch.to_pydict()
            questions = count_tokens(columns["question"], tokenizer)
            responses = count_tokens(columns["response"], tokenizer)
            tokens += responses
            together = (q + r for q, r in zip(questions, responses, strict=True))
            longest = max(longest, *together)
    return tokens, longest


def count_tokens(texts: list[str], tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Tokens of each text, without special ones."""
    if not texts:
        return []
    return [len(ids) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
