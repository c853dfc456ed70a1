"""What a job of pruning asks the student, from the job's settings to verdicts."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

from cotdistil.engines import Sampling, count_positions, load_engine
from cotdistil.errors import UserError
from cotdistil.job import Job
from cotdistil.pruning.answer_grader import AnswerGrader
from cotdistil.pruning.cutters.start import VALIDATING
from cotdistil.pruning.rounds import Asked, Check
from cotdistil.pruning.student import Student, show
from cotdistil.pruning.traces import Trace
from cotdistil.pruning.validation import ValidationPrompt
from cotdistil.pruning.validator import Validator
from cotdistil.store import VALIDATIONS
from cotdistil.teaching.answer_log import AnswerArchive, AnswerLog, open_known_logs

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

SEAMS = 32  # tokens that a prompt may have beyond those of its parts


class OnPolicyValidation:
    """What a job asks the student, or nothing at all where its cutter does not.

    longest: tokens of the longest question and response together; all_tokens: of all responses.
    """

    def __init__(self, job: Job, tokenizer: PreTrainedTokenizerBase, longest: int, all_tokens: int):
        self.asks = job.params["cutter"] in VALIDATING
        self._open = contextlib.ExitStack()
        self.grader = self._open.enter_context(AnswerGrader(job.threads))
        if not self.asks:
            return
        params = job.params
        prompt = ValidationPrompt(
            params["prompt_style"],
            params["lead_in"],
            params.get("question_instruction"),
            params.get("instruction"),
        )
        self._student = self._open.enter_context(
            open_student(job, tokenizer, prompt, longest, all_tokens)
        )
        log = self._open.enter_context(AnswerLog(job.work / VALIDATIONS))
        if log.damaged:
            job.tell(f"{log.damaged} damaged lines of an earlier run are asked about again")
        others = AnswerArchive(open_known_logs(job.store, "pruned", job.key, params))
        self._open.callback(others.close)
        self._validator = Validator(
            self._student, prompt, params["agreement"], self.grader, log, others
        )

    def close(self) -> None:
        self._open.close()

    @property
    def calls(self) -> int:
        return self._validator.calls if self.asks else 0

    def room(self) -> int | None:
        """Tokens that the engine's prefix cache holds; None where it has none. Loads the model."""
        return self._student.engine.cache_tokens if self.asks else None

    def known(self, traces: list[Trace], asked: Asked) -> Check | None:
        """The verdict on what a search asks, if the student was asked that before."""
        return self._validator.known(show(traces, asked))

    def check(self, traces: list[Trace], asked: list[Asked]) -> list[Check]:
        """The verdicts on what the searches in `traces` ask."""
        return self._validator.check([show(traces, each) for each in asked])


def open_student(
    job: Job,
    tokenizer: PreTrainedTokenizerBase,
    prompt: ValidationPrompt,
    longest: int,
    all_tokens: int,
) -> Student:
    """The student; its engine has room for the longest trace, or for as much as it takes."""
    params, model = job.params, job.parent("model")
    sampling = Sampling(params["max_tokens"], params["temperature"], params["top_p"])
    max_context = longest + len(prompt.render(tokenizer, "", "")) + SEAMS + sampling.max_tokens
    positions = count_positions(model)
    if positions is not None and positions <= sampling.max_tokens:
        raise UserError(
            f"{model}: found {positions} positions, and max_tokens is {sampling.max_tokens};"
            " expected room for a prompt; set prune.max_tokens lower"
        )
    max_context = min(max_context, positions or max_context)
    load = partial(
        load_engine,
        params["backend"],
        model,
        precision=params["precision"],
        max_context=max_context,
        threads=job.threads,
        gpus=job.gpus,
        gpu_memory_share=job.settings.get("gpu_memory_share"),
        cache_tokens=all_tokens,
    )
    samples, seed = params["samples_per_check"], params["seed"]
    return Student(load, tokenizer, prompt, sampling, samples, seed, max_context)
