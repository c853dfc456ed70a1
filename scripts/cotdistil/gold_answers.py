"""Gold answers as the store holds them: one text per problem, also where there are alternatives."""

import json
import math

from cotdistil.grading.extract import extract_answer

ANY_OF = "any of: "


def gold_text(cell: object) -> str | None:
    r"""The gold answer of a table's cell as text, or None if it is no answer.

    Of text with `####`, as in GSM8K's solutions, it is what follows the last one; of text with a
    `\boxed{}`, as in MATH's solutions, what the last one holds. A list holds alternatives; a list
    of one is its element. An empty cell, or one whose last box is empty, gives "".
    """
    if isinstance(cell, list):
        texts = [None if isinstance(each, list) else gold_text(each) for each in cell]
        if not texts or not all(texts):
            return None if None in texts else ""
        return texts[0] if len(texts) == 1 else ANY_OF + json.dumps(texts, ensure_ascii=False)
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return ""
    if not isinstance(cell, str | int | float):
        return None
    text = str(cell).rsplit("####", 1)[-1].strip()
    return (extract_answer(text).text or "") if r"\boxed" in text else text


def gold_of(text: str) -> str | list[str]:
    """What the grader compares with: the text of `gold_text`, or its alternatives."""
    if not text.startswith(ANY_OF + "["):
        return text
    try:
        return json.loads(text.removeprefix(ANY_OF))
    except ValueError:
        return text
