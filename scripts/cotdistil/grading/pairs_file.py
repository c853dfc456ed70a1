"""A JSON Lines file of gold answers with answers, or whole responses, to be graded."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cotdistil.errors import UserError
from cotdistil.grading.grader import Gold

MAX_FAULTS = 10
EXPECTED = "expected an object with gold, and pred (an answer) or response (a whole response)"


@dataclass(frozen=True)
class Pair:
    """`fields`: the row as it stands in the file.

    `text`: an answer or, where `is_response`, a whole response; None where the row has null. A row
    with both pred and response is graded by its pred.
    """

    fields: dict[str, Any]
    gold: Gold | None
    text: str | None
    is_response: bool

    @property
    def truncated(self) -> bool:
        """Whether the token limit cut the response, by the row's own finish_reason."""
        return self.fields.get("finish_reason") == "length"


def check_pairs(path: Path) -> int:
    """The number of rows. Raises `UserError` with the line of each fault, the first ten of them."""
    count, faults = 0, []
    for number, line in _lines(path):
        try:
            _read_pair(line)
            count += 1
        except ValueError as error:
            faults.append(f"{path}:{number}: {error}")
        if len(faults) == MAX_FAULTS:
            faults.append(f"and perhaps more; reading stopped at line {number}")
            break
    if faults:
        raise UserError("\n".join(faults))
    return count


def read_pairs(path: Path) -> Iterator[Pair]:
    """The rows in their order. Lines of blanks are no rows."""
    for number, line in _lines(path):
        try:
            yield _read_pair(line)
        except ValueError as error:
            raise UserError(f"{path}:{number}: {error}") from None


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    if path.exists() and not path.is_file():
        raise UserError(f"{path}: is no regular file; expected a JSON Lines file; save it as one")
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                if line.strip():
                    yield number, line
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; expected a JSON Lines file") from None


def _read_pair(line: bytes) -> Pair:
    fields = _object(line)
    if "gold" not in fields:
        raise ValueError(f"has no field gold; {EXPECTED}")
    is_response = "pred" not in fields
    if is_response and "response" not in fields:
        raise ValueError(f"has neither pred nor response; {EXPECTED}")
    name = "response" if is_response else "pred"
    text = fields[name]
    if text is not None and not isinstance(text, str):
        if is_response or not _is_number(text):
            raise ValueError(f"{name} is {_kind(text)}; expected text, or null for no answer")
        text = json.dumps(text)
    gold = fields["gold"]
    for one in gold if isinstance(gold, list) else [gold]:
        if one is not None and not isinstance(one, str) and not _is_number(one):
            raise ValueError(
                f"gold is {_kind(gold)}{f' with {_kind(one)}' if one is not gold else ''};"
                " expected text, a number, or a list of alternatives"
            )
    return Pair(fields, gold, text, is_response)


def _object(line: bytes) -> dict[str, Any]:
    try:
        fields = json.loads(line.decode("utf-8"), parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError as error:
        raise ValueError(f"is not UTF-8 at byte {error.start}; save the file as UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(
            f"is not JSON: {error.msg} at column {error.colno}; expected one object per line"
        ) from None
    except RecursionError:
        raise ValueError("is nested too deep to be read as JSON") from None
    except NoNumberError as error:
        raise ValueError(f"holds {error}, which is no number in JSON; write null or text") from None
    except ValueError:
        raise ValueError("has a number of too many digits; write it as text, in quotes") from None
    if not isinstance(fields, dict):
        raise ValueError(f"is {_kind(fields)}; {EXPECTED}")
    return fields


class NoNumberError(ValueError):
    """The message is what stands where a number should."""


def _no_number(text: str) -> float:
    raise NoNumberError(text)


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _no_number(text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _kind(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    kinds = {str: "text", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return kinds[type(value)]
