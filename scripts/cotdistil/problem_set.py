"""A problem set: what is kept of a table's rows, and what is dropped and why."""

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, field


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

    Dropped are rows with an empty question or gold answer, with a gold answer that is neither text
    nor a number, and with the id of an earlier row (without an id column: its question).
    """
    result, seen = ProblemSet(), set()
    for number, row in enumerate(rows):
        text = str(row[question] or "").strip()
        gold = gold_answer(row[answer])
        if id_column is None:
            problem_id = hashlib.sha256(text.encode()).hexdigest()[:12]
        else:
            problem_id = "" if row[id_column] is None else str(row[id_column]).strip()
        if not text:
            reason = "empty question"
        elif gold is None:
            reason = "gold answer is neither text nor a number"
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


def gold_answer(value: object) -> str | None:
    """The gold answer of a cell as text, or None where the cell is neither text nor a number.

    Of text with `####`, as in GSM8K's solutions, it is what follows the last one. A list of one is
    its element. An empty cell gives "".
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if not isinstance(value, str | int | float):
        return None
    return str(value).rsplit("####", 1)[-1].strip()
