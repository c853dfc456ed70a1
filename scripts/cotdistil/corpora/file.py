"""Traces of kind `file`: written before, by any teacher, and matched to problems by question."""

import unicodedata
from collections import Counter
from collections.abc import Iterator

from cotdistil.errors import UserError
from cotdistil.job import Job
from cotdistil.local_table import read_table, require_columns
from cotdistil.responses import join_response, split_response


def write_corpus(job: Job, problems: list[dict], dropped: Counter[str]) -> Iterator[dict]:
    """The traces of the problems, in the file's order; a problem may have several.

    Question and gold are the problem set's. Why a trace ended is not known from such a file.
    """
    question, response = job.params["question"], job.params["response"]
    table = read_table(job.source("traces"), job.params["format"], job.work / "datasets")
    require_columns(table.column_names, [question, response], "the trace file")
    by_question: dict[str, dict] = {}
    for problem in problems:
        by_question.setdefault(normalise_question(problem["question"]), problem)
    samples: Counter[str] = Counter()
    for row in table.select_columns([question, response]):
        problem = by_question.get(normalise_question(str(row[question] or "")))
        text = str(row[response] or "").strip()
        if problem is None:
            dropped["question not in the problem set"] += 1
        elif not text:
            dropped["empty response"] += 1
        else:
            parts = split_response(text)
            response_text = text  # what never came to an answer is not closed here
            if parts.think != "unclosed":
                response_text = join_response(parts.thinking, parts.answer)
            yield {
                "problem_id": problem["problem_id"],
                "question": problem["question"],
                "gold": problem["gold"],
                "sample_index": samples[problem["problem_id"]],
                "response": response_text,
                "thinking": parts.thinking,
                "answer": parts.answer,
                "finish_reason": "unknown",
            }
            samples[problem["problem_id"]] += 1
    if not samples:
        raise UserError(
            f"none of the {len(table)} traces is for one of the {len(problems)} problems"
            f" (dropped: {dict(dropped)}); expected the same questions in column {question!r};"
            " name another file or another problem set"
        )


def normalise_question(text: str) -> str:
    """The question up to case, white space and Unicode compatibility forms."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
