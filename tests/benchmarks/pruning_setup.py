"""What the benchmarks of pruning share: real traces, and a student that validates them."""

import contextlib
import random
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "tests")]

from cotdistil.engines import Sampling, count_positions, load_engine  # noqa: E402
from cotdistil.pruning.answer_grader import AnswerGrader  # noqa: E402
from cotdistil.pruning.answer_steps import first_answer_step  # noqa: E402
from cotdistil.pruning.cutters import Search  # noqa: E402
from cotdistil.pruning.rounds import Pruned, search_all  # noqa: E402
from cotdistil.pruning.student import Student, show  # noqa: E402
from cotdistil.pruning.traces import Trace, count_tokens, make_trace  # noqa: E402
from cotdistil.pruning.validation import ValidationPrompt  # noqa: E402
from cotdistil.pruning.validator import Validator  # noqa: E402
from cotdistil.response_formats import normalise_response  # noqa: E402
from cotdistil.teaching.answer_log import AnswerArchive, AnswerLog  # noqa: E402
from real_data import real_rows  # noqa: E402

LONGEST_CONTEXT = 8192
PROMPTS = {
    "continue": ValidationPrompt("continue", "The answer is \\boxed{"),
    "instruction": ValidationPrompt(
        "instruction", "", None, "Give the final answer based only on these thinking steps."
    ),
}


def answer_steps(traces: list[Trace]) -> list[int | None]:
    """In which step, from 1, each trace first gives the answer."""
    with AnswerGrader() as grader:
        return [
            first_answer_step(t.steps, t.row["gold"], t.row["question"], grader) for t in traces
        ]


def context_of(model: Path) -> int:
    return min(LONGEST_CONTEXT, count_positions(model) or LONGEST_CONTEXT)


def real_traces(teachers: tuple[str, ...], tokenizer, seed: str) -> list[Trace]:
    """All traces of these teachers on GSM8K, in an order that depends on the seed alone."""
    rows = [
        row for row in real_rows("traces/mip_gsm8k_responses.jsonl") if row["teacher"] in teachers
    ]
    random.Random(seed).shuffle(rows)
    responses = [normalise_response(row["response"]).text for row in rows]
    lengths = count_tokens(responses, tokenizer)
    return [
        make_trace(
            number,
            {
                "problem_id": str(row["id"]),
                "question": row["question"],
                "gold": str(row["answer"]).rsplit("####", 1)[-1].strip(),
                "response": response,
            },
            length,
        )
        for number, (row, response, length) in enumerate(zip(rows, responses, lengths, strict=True))
    ]


def open_student(
    model: Path,
    tokenizer,
    prompt: ValidationPrompt,
    max_tokens: int,
    cache_tokens: int,
    temperature: float = 0.0,
    samples: int = 1,
    gpus: int = 0,
) -> Student:
    context = context_of(model)
    load = partial(
        load_engine,
        "vllm",
        model,
        precision="auto",
        max_context=context,
        threads=2,
        gpus=gpus,
        cache_tokens=cache_tokens,
    )
    sampling = Sampling(max_tokens, temperature)
    return Student(load, tokenizer, prompt, sampling, samples, 0, context)


class NotAnswered(Exception):
    """A student that is not to be loaded was asked."""


def unloaded_student(model: Path, tokenizer, prompt: ValidationPrompt, max_tokens: int) -> Student:
    """For a log that knows all answers: says which prompts are too long, and answers none."""

    def load() -> NoReturn:
        raise NotAnswered

    sampling = Sampling(max_tokens, 0.0)
    return Student(load, tokenizer, prompt, sampling, 1, 0, context_of(model))


@contextlib.contextmanager
def open_validator(student: Student, prompt: ValidationPrompt, log: Path) -> Iterator[Validator]:
    """The student's validator, which keeps the answers in the file `log`."""
    with AnswerLog(log) as answers, AnswerGrader() as grader:
        yield Validator(student, prompt, 1.0, grader, answers, AnswerArchive([]))


def search_with(
    searches: list[Search], traces: list[Trace], validator: Validator, room: int | None
) -> list[Pruned]:
    """The searches in these traces, in rounds."""
    return search_all(
        searches,
        [trace.tokens for trace in traces],
        lambda: room,
        lambda asked: validator.known(show(traces, asked)),
        lambda asked: validator.check([show(traces, each) for each in asked]),
    )
