"""Local tables: JSON lines, JSON, CSV and parquet files, memory-mapped by `datasets`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cotdistil.errors import UserError

if TYPE_CHECKING:
    from datasets import Dataset

BUILDERS = {"jsonl": "json", "json": "json", "csv": "csv", "parquet": "parquet"}


def read_table(path: Path, file_format: str, cache: Path) -> Dataset:
    """The rows of the file at `path`; its cells in a CSV file are text, as they stand there.

    `file_format`: jsonl, json, csv or parquet; `cache`: a folder for the memory map.
    Raises `UserError` for another format and for a file that does not parse.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetGenerationError

    if file_format not in BUILDERS:
        raise UserError(
            f"{path.resolve()}: found the format '{file_format}'; expected one of"
            f" {', '.join(BUILDERS)}; convert the file and name it accordingly"
        )
    if path.stat().st_size == 0:
        raise UserError(f"{path.resolve()}: the file is empty; expected one record per row")
    try:
        return load_dataset(
            BUILDERS[file_format],
            data_files=str(path),
            split="train",
            cache_dir=str(cache),
            **(_csv_options(path) if file_format == "csv" else {}),
        )
    except (DatasetGenerationError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise UserError(
            f"{path.resolve()}: could not be read as {file_format} ({error.__cause__ or error});"
            " expected one record per row, each column of one type; mend the file"
        ) from error


def _csv_options(path: Path) -> dict:
    """Every column as text: a reader that guesses turns 007 into 7 and None into nothing."""
    from datasets import Features, Value

    with path.open(newline="", encoding="utf-8-sig") as handle:
        rows = csv.reader(handle)
        header = next(rows, [])
        first = next(filter(None, rows), [])
    if len(first) > len(header):
        # pandas would take the first cell for a row label and shift the others under wrong names.
        raise ValueError(f"the header has {len(header)} columns, the first row {len(first)}")
    features = Features({column: Value("string") for column in header})
    return {"features": features, "keep_default_na": False}


def require_columns(found: Sequence[str], wanted: Sequence[str], where: str) -> None:
    """Raises `UserError`, naming the columns that there are, if one of `wanted` is missing."""
    missing = [column for column in wanted if column not in found]
    if missing:
        raise UserError(
            f"{where} has no column {', '.join(map(repr, missing))}; found the columns"
            f" {', '.join(map(repr, found))}; change the column's name in the config"
        )
