"""Traces that exist already, in a file or a data set, matched to problems by their question."""

import math
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cotdistil.errors import UserError
from cotdistil.grading.spelling.macros import LOWERED, RAISED
from cotdistil.job import Job
from cotdistil.response_formats import CAME_TO_ITS_END, normalise_response
from cotdistil.responses import CLOSE, OPEN
from cotdistil.screening.spelling import LOWERED_RUN, RAISED_RUN

ROLES = ("question", "response", "thinking", "correct", "complete", "finish_reason")
TRUE, FALSE, UNKNOWN = ("true", "1", "1.0"), ("false", "0", "0.0"), ("", "none", "null", "nan")


def columns_of(params: dict) -> list[str]:
    """The columns that a corpus of existing traces reads."""
    named = [params[role] for role in ROLES if params[role] is not None]
    return list(dict.fromkeys([*named, *(params["where"] or {})]))


def match_traces(
    job: Job, rows: Iterable[dict], problems: list[dict], dropped: Counter[str]
) -> Iterator[dict]:
    """The traces of the problems, in the order of the rows; a problem may have several.

    `rows`: dicts with the columns of `columns_of`. A cell of the response column holds one text or
    a list of texts; thinking, verdicts, completeness and finish reasons then are lists as long.
    Question and gold are the problem set's. `correct` is the source's verdict, None where it has
    none; `original` is None where the canonical form is what the teacher wrote. Raises `UserError`,
    which names the row, for a list of another length and for a cell of a type that is not expected,
    and if no trace is for one of the problems.
    """
    params = job.params
    # A question's own words come first: $X$ and $x$ may be two problems.
    by_question = {problem["question"]: problem for problem in reversed(problems)}
    for problem in problems:
        by_question.setdefault(normalise_question(problem["question"]), problem)
    samples: Counter[str] = Counter()
    for number, row in enumerate(rows, start=1):
        count = _count(row, params)
        other = _column_with_another_value(row, params["where"] or {})
        asked = str(row[params["question"]] or "")
        problem = by_question.get(asked.strip()) or by_question.get(normalise_question(asked))
        if other is not None:
            dropped[f"another value of {other}"] += count or 1
            continue
        if problem is None:
            dropped["question not in the problem set"] += count or 1
            continue
        if not count:
            dropped["empty response"] += 1
        for each in _responses(row, params, count, f"row {number} of the traces"):
            response = normalise_response(each.text, each.thinking)
            if not response.text:
                dropped["empty response"] += 1
                continue
            written = each.as_written()
            yield {
                "problem_id": problem["problem_id"],
                "question": problem["question"],
                "gold": problem["gold"],
                "sample_index": samples[problem["problem_id"]],
                "response": response.text,
                "original": None if written.strip() == response.text.strip() else written,
                "finish_reason": each.finish_reason,
                "complete": each.complete,
                "correct": each.correct,
            }
            samples[problem["problem_id"]] += 1
    if not samples:
        raise UserError(
            f"none of the {dropped.total()} traces is for one of the {len(problems)} problems"
            f" (dropped: {dict(dropped)}); expected the same questions in column"
            f" {params['question']!r}; name other traces or another problem set"
        )


def normalise_question(text: str) -> str:
    """The question up to case, white space and Unicode compatibility forms; x² is x^2, not x2."""
    text = RAISED_RUN.sub(lambda run: f"^{run[0].translate(RAISED)}", text)
    text = LOWERED_RUN.sub(lambda run: f"_{run[0].translate(LOWERED)}", text)
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


@dataclass(frozen=True)
class ExistingResponse:
    """What the source says of one response; `thinking` where it stands in a column of its own."""

    text: str
    thinking: str | None
    correct: bool | None
    complete: bool | None
    finish_reason: str

    def as_written(self) -> str:
        if self.thinking is None:
            return self.text
        if not self.text.strip():
            return f"{OPEN}\n{self.thinking}"
        return f"{OPEN}\n{self.thinking}\n{CLOSE}\n\n{self.text}"


def _count(row: dict, params: dict) -> int:
    """How many responses a row has: none where the cell is null or an empty list."""
    cell = row[params["response"]]
    if isinstance(cell, list):
        return len(cell)
    thinking = row[params["thinking"]] if params["thinking"] is not None else None
    return 0 if cell is None and not isinstance(thinking, str) else 1


def _responses(row: dict, params: dict, count: int, where: str) -> Iterator[ExistingResponse]:
    cell = row[params["response"]]

    def cells(role: str) -> list:
        column = params[role]
        value = None if column is None else row[column]
        if value is None:
            return [None] * count
        values = value if isinstance(value, list) else [value]
        if len(values) != count or isinstance(value, list) != isinstance(cell, list):
            raise UserError(
                f"{where}: found {_amount(value)} in column {column!r} and {_amount(cell)} in"
                f" column {params['response']!r}; expected lists of the same length; mend the row,"
                " or name another column"
            )
        return values

    columns = zip(*(cells(role) for role in ROLES[1:]), strict=True)
    for text, thinking, correct, complete, finish_reason in columns:
        reason = _text(finish_reason, where, params["finish_reason"]) or "unknown"
        came_to_its_end = _flag(complete, where, params["complete"])
        if came_to_its_end is None:
            came_to_its_end = CAME_TO_ITS_END.get(reason)
        yield ExistingResponse(
            text=_text(text, where, params["response"]) or "",
            thinking=_text(thinking, where, params["thinking"]),
            correct=_flag(correct, where, params["correct"]),
            complete=came_to_its_end,
            finish_reason=reason,
        )


def _amount(cell: object) -> str:
    return f"a list of {len(cell)}" if isinstance(cell, list) else "one value"


def _text(cell: object, where: str, column: str) -> str | None:
    """The cell's text; None for one that is null or blank."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, list | dict | bytes):
        raise UserError(
            f"{where}: found {str(cell)[:60]!r} in column {column!r}; expected text or a list of"
            " texts; name another column"
        )
    text = str(cell)
    return text if text and not text.isspace() else None


def _flag(cell: object, where: str, column: str) -> bool | None:
    if cell is None or isinstance(cell, bool):
        return cell
    text = str(cell).strip().casefold()
    if text in UNKNOWN:
        return None
    if text not in TRUE and text not in FALSE:
        raise UserError(
            f"{where}: found {str(cell)[:60]!r} in column {column!r}; expected true, false or null;"
            " name another column"
        )
    return text in TRUE


def _column_with_another_value(row: dict, where: dict) -> str | None:
    for column, wanted in where.items():
        values = wanted if isinstance(wanted, list) else [wanted]
        if not any(_is(row[column], value) for value in values):
            return column
    return None


def _is(cell: object, wanted: object) -> bool:
    """Whether a cell has the value that the config names; a cell of a CSV file is text."""
    if cell is None or wanted is None:
        return cell is wanted
    if isinstance(wanted, bool) or isinstance(cell, bool):
        return str(cell).strip().casefold() == str(wanted).casefold()
    return cell == wanted or str(cell) == str(wanted)
