"""A problem set: what is kept of a table's rows, and what is dropped and why."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from cotdistil.gold_answers import gold_text


@dataclass
class ProblemSet:
    """`problems`: dicts of problem_id, question, gold. `dropped`: dicts of row, problem_id, reason.

    `rows_in` is the number of rows that there were; each is in one of the two lists.
    """

    rows_in: int = 0
    problems: list[dict] = field(default_factory=list)
    dropped: list[dict] = field(default_factory=list)


def problems_from_rows(
    rows: Iterable[dict], question: str, answer: str, id_column: str | None
) -> ProblemSet:
    """Problems from the named columns of `rows`; without an id column, 12 hex of a sha256.

    Dropped are rows with an empty question or gold answer, with a question that is neither text nor
    a number, with a gold answer that is neither, nor a list of alternatives, and with the id of an
    earlier row (without an id column: its question).
    """
    result, seen = ProblemSet(), set()
    for number, row in enumerate(rows):
        text = question_text(row[question])
        gold = gold_text(row[answer])
        if id_column is None:
            problem_id = hashlib.sha256((text or "").encode()).hexdigest()[:12]
        else:
            problem_id = "" if row[id_column] is None else str(row[id_column]).strip()
        if text is None:
            reason = "question is neither text nor a number"
        elif not text:
            reason = "empty question"
        elif gold is None:
            reason = "gold answer is neither text nor a number, nor a list of them"
        elif not gold:
            reason = "empty gold answer"
        elif not problem_id:
            reason = "empty id"
        elif problem_id in seen:
            reason = "duplicate question" if id_column is None else "duplicate id"
        else:
            seen.add(problem_id)
            result.problems.append({"problem_id": problem_id, "question": text, "gold": gold})
            reason = ""
        if reason:
            result.dropped.append({"row": number, "problem_id": problem_id, "reason": reason})
        result.rows_in += 1
    return result


def question_text(cell: object) -> str | None:
    """The question of a table's cell; "" where there is none, None where it is no text."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    return str(cell).strip() if isinstance(cell, str | int | float) else None
