"""Local tables, read row by row: JSON Lines, JSON, CSV and parquet files."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from cotdistil.errors import UserError

ROWS_THAT_NAME_COLUMNS = 1000
COLUMNS_IN_A_MESSAGE = 30
PARQUET_BATCH_ROWS = 256
BUFFER_BYTES = 1 << 20
SURROGATE = re.compile(r"[\ud800-\udfff]")


def read_rows(path: Path, file_format: str, columns: Sequence[str] | None = None) -> Iterator[dict]:
    """The rows of the file at `path`, with `columns` only (default: all that a row has).

    `file_format`: jsonl, json, csv or parquet. A cell of a CSV file is text, as it stands there; a
    value that a row lacks is None. Memory does not grow with the file, but for JSON that is not
    one object per line. Raises `UserError`, which names the file and the line, for a file that does
    not parse or has no rows, for another format, and for a column that none of the first 1,000
    rows has.
    """
    where = str(path.resolve())
    if file_format not in READERS:
        raise UserError(
            f"{where}: found the format '{file_format}'; expected one of {', '.join(READERS)};"
            " convert the file and name it accordingly"
        )
    if path.stat().st_size == 0:
        raise UserError(f"{where}: the file is empty; expected one record per row")
    empty = True
    for row in READERS[file_format](path, columns):
        empty = False
        yield row
    if empty:
        raise UserError(f"{where}: found no row; expected one record per row; name another file")


def require_columns(found: Iterable[str], wanted: Sequence[str], where: str) -> None:
    """Raises `UserError`, naming the columns that there are, if one of `wanted` is missing."""
    found = list(found)
    missing = [column for column in wanted if column not in found]
    if missing:
        named = ", ".join(map(repr, found[:COLUMNS_IN_A_MESSAGE]))
        others = len(found) - COLUMNS_IN_A_MESSAGE
        raise UserError(
            f"{where} has no column {', '.join(map(repr, missing))}; found the columns {named}"
            + (f" and {others} more" if others > 0 else "")
            + "; change the column's name in the config"
        )


def _read_jsonl(path: Path, columns: Sequence[str] | None) -> Iterator[dict]:
    if columns is None:
        return _json_lines(path)
    _require_in_first_rows(_json_lines(path), columns, path)
    return _projected(_json_lines(path), columns)


def _read_json(path: Path, columns: Sequence[str] | None) -> Iterator[dict]:
    """An array of objects, also under the key "data"; or one object per line, as JSON Lines."""
    if _has_an_object_per_line(path):
        return _read_jsonl(path, columns)
    rows = _json_array(path)
    if columns is None:
        return iter(rows)
    _require_in_first_rows(rows, columns, path)
    return _projected(rows, columns)


def _require_in_first_rows(rows: Iterable[dict], columns: Sequence[str], path: Path) -> None:
    found: dict[str, None] = {}
    for row in islice(rows, ROWS_THAT_NAME_COLUMNS):
        found.update(dict.fromkeys(row))
        if all(column in found for column in columns):
            return
    if found:
        require_columns(found, columns, f"{path.resolve()}:")


def _projected(rows: Iterable[dict], columns: Sequence[str]) -> Iterator[dict]:
    for row in rows:
        yield {column: row.get(column) for column in columns}


def _json_lines(path: Path) -> Iterator[dict]:
    for number, line in _text_lines(path):
        if line.isspace():
            continue
        row = _parsed(line, lambda _, number=number: f"{path.resolve()}: line {number}")
        if not isinstance(row, dict):
            raise UserError(
                f"{path.resolve()}: line {number}: found {_kind(row)}; expected one object per"
                ' line, as in {"question": …}; mend the file, or name it .json if it is one array'
            )
        yield row


def _json_array(path: Path) -> list[dict]:
    text = "".join(line for _, line in _text_lines(path))
    rows = _parsed(text, lambda line: f"{path.resolve()}: line {line}")
    if isinstance(rows, dict) and isinstance(rows.get("data"), list):
        rows = rows["data"]
    if not isinstance(rows, list):
        raise UserError(
            f"{path.resolve()}: found {_kind(rows)}; expected an array of objects, or one under the"
            ' key "data"; mend the file'
        )
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise UserError(
                f"{path.resolve()}: element {number} of the array: found {_kind(row)}; expected an"
                " object; mend the file"
            )
    return rows


def _has_an_object_per_line(path: Path) -> bool:
    """Whether the first line is an object by itself and more follows."""
    lines = (line for _, line in _text_lines(path) if not line.isspace())
    first = next(lines, "")
    if not first.lstrip().startswith("{") or next(lines, None) is None:
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return False
    return True


def _parsed(text: str, where: Callable[[int], str]) -> object:
    """JSON with half a surrogate pair, which no file can hold as UTF-8, replaced by U+FFFD."""
    try:
        value = json.loads(text)
    except RecursionError:
        raise UserError(f"{where(1)}: found JSON nested too deeply; mend the file") from None
    except ValueError as error:  # also a number of more than 4,300 digits
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        raise UserError(
            f"{where(line)}: found what is not valid JSON ({error}); expected one record per row;"
            " mend the file"
        ) from error
    may_have_surrogates = r"\u" in text and (r"\ud" in text or r"\uD" in text)
    return _mended(value) if may_have_surrogates else value


def _mended(value: object) -> object:
    if isinstance(value, str):
        return SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(each) for each in value]
    if isinstance(value, dict):
        return {_mended(name): _mended(each) for name, each in value.items()}
    return value


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "text", bool: "true or false"}
    return "null" if value is None else names.get(type(value), "a number")


def _read_csv(path: Path, columns: Sequence[str] | None) -> Iterator[dict]:
    """Every cell as text: a reader that guesses turns 007 into 7 and None into nothing."""
    csv.field_size_limit(sys.maxsize)  # a trace may be longer than the 131,072 characters allowed
    # Strict: a quote that nothing closes would take the rest of the file for one cell.
    rows = csv.reader((line for _, line in _text_lines(path)), strict=True)
    try:
        header = next(filter(None, rows), [])
        twice = [name for name in header if header.count(name) > 1]
        if twice:
            raise UserError(
                f"{path.resolve()}: the header names the column {twice[0]!r} more than once;"
                " expected a name for each column; rename one"
            )
        if columns is not None:
            require_columns(header, columns, f"{path.resolve()}:")
        for cells in filter(None, rows):
            if len(cells) > len(header):
                raise UserError(
                    f"{path.resolve()}: the header has {len(header)} columns, the row that ends on"
                    f" line {rows.line_num} has {len(cells)}; expected a name for each column; mend"
                    " the file"
                )
            row = dict(zip(header, cells, strict=False))
            yield {column: row.get(column) for column in (header if columns is None else columns)}
    except csv.Error as error:
        raise UserError(
            f"{path.resolve()}: line {rows.line_num} could not be read as csv ({error}); expected"
            " cells between commas, quotes within a quoted cell doubled; mend the file"
        ) from error


def _read_parquet(path: Path, columns: Sequence[str] | None) -> Iterator[dict]:
    from pyarrow import ArrowException, parquet

    try:
        # With a buffer, pages are read one by one rather than a whole row group at once.
        with parquet.ParquetFile(path, buffer_size=BUFFER_BYTES) as file:
            if columns is not None:
                require_columns(file.schema_arrow.names, columns, f"{path.resolve()}:")
            wanted = None if columns is None else list(dict.fromkeys(columns))
            for batch in file.iter_batches(PARQUET_BATCH_ROWS, columns=wanted):
                yield from batch.to_pylist()
    # Text that is not UTF-8 and dates beyond the year 9999 show when a cell becomes an object.
    except (ArrowException, OSError, ValueError, OverflowError) as error:
        raise UserError(
            f"{path.resolve()}: could not be read as parquet ({error}); expected a parquet file;"
            " make it again, or name it by its format"
        ) from error


def _text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines with their numbers from 1, each with its line break; a byte order mark is no part.

    Only a line feed ends a line: U+2028 and the like may stand in text.
    """
    with path.open("rb", buffering=BUFFER_BYTES) as file:
        for number, line in enumerate(file, start=1):
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                raise UserError(
                    f"{path.resolve()}: found bytes that are not UTF-8 at line {number}"
                    f" ({error.object[error.start : error.end]!r}); expected UTF-8; convert the"
                    " file, for example with iconv"
                ) from error
            yield number, text.removeprefix("\ufeff") if number == 1 else text


READERS = {"jsonl": _read_jsonl, "json": _read_json, "csv": _read_csv, "parquet": _read_parquet}
